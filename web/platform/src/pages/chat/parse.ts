// Reads Markdown. Only this file needs `marked`, and is loaded when the page is there.

import { Lexer, type Token } from "marked";

// The time that `marked` needs may grow with the square of a text that was made for it, so some texts stay as they are.
const MAX_LENGTH = 60_000;
const MAX_INLINE_LENGTH = 20_000;
const MAX_INLINE_MARKS = 300;
const INLINE_MARK = /[*_~`[\]!<\\]/g;
/** A line that opens many quotes or lists. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){12}/m;

const isInlineCheap = (text: string): boolean =>
    text.length <= MAX_INLINE_LENGTH && (text.match(INLINE_MARK)?.length ?? 0) <= MAX_INLINE_MARKS;

/** Returns the tokens of a text; null if it is to be shown as it is. */
export const parse = (text: string): Token[] | null => {
    if (text.length > MAX_LENGTH || TOO_DEEP.test(text)) return null;
    try {
        const lexer = new Lexer({ gfm: true });
        lexer.blockTokens(text.replace(/\r\n?/g, "\n"), lexer.tokens);
        for (const { src, tokens } of lexer.inlineQueue) {
            if (isInlineCheap(src)) lexer.inlineTokens(src, tokens);
            else tokens.push({ type: "text", raw: src, text: src });
        }
        return lexer.tokens;
    } catch {
        return null;
    }
};
