// The text of a model, as elements. It is never HTML: there is no image, no link, and nothing that the text can load or run.

import type { MarkedToken, Token, Tokens } from "marked";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { chat as texts } from "../../texts";
import { CodeBlock } from "./code";
import "./markdown.css";

/** Shows the citation of a source. Returns null for a number that is only text. */
type Cite = (n: number) => ComponentChildren | null;

const MAX_DEPTH = 12;

type Parse = (text: string) => Token[] | null;

// The first words can be read without it.
const loading = import("./parse");

let parse: Parse | null = null;

const useParse = (): Parse | null => {
    const [loaded, setLoaded] = useState(() => parse);
    useEffect(() => {
        if (loaded !== null) return;
        void loading.then((module) => {
            parse = module.parse;
            setLoaded(() => module.parse);
        });
    }, [loaded]);
    return loaded;
};

type MarkdownProps = { text: string; cite: Cite };

export const Markdown = ({ text, cite }: MarkdownProps) => {
    const read = useParse();
    const tokens = useMemo(() => read?.(text) ?? null, [read, text]);
    return <div class="markdown">{render(tokens, text, cite)}</div>;
};

/** Returns the elements of a text. Without tokens, it is shown as it is. */
export const render = (tokens: Token[] | null, text: string, cite: Cite): ComponentChildren =>
    tokens === null ? <p class="markdown-raw">{text}</p> : new Renderer(cite).all(tokens, 0);

class Renderer {
    constructor(private readonly cite: Cite) {}

    all(tokens: readonly Token[], depth: number): ComponentChildren[] {
        return tokens.map((token) => this.one(token, depth));
    }

    private one(token: Token, depth: number): ComponentChildren {
        if (!isKnown(token) || depth > MAX_DEPTH) return token.raw;
        const inside = (tokens: readonly Token[]) => this.all(tokens, depth + 1);
        switch (token.type) {
            case "paragraph":
                return <p>{inside(token.tokens)}</p>;
            case "heading":
                // The levels above are those of the page.
                return <h3 class={`markdown-heading-${Math.min(token.depth, 4)}`}>{inside(token.tokens)}</h3>;
            case "blockquote":
                return <blockquote>{inside(token.tokens)}</blockquote>;
            case "list":
                return this.list(token, depth);
            case "code":
                return <CodeBlock text={token.text} language={token.lang} />;
            case "table":
                return this.table(token, depth);
            case "hr":
                return <hr />;
            case "html":
                return htmlAsText(token);
            case "space":
            case "def":
                return null;
            case "text":
                return token.tokens ? inside(token.tokens) : this.text(decode(token.text));
            case "escape":
                return token.text;
            case "strong":
                return <strong>{inside(token.tokens)}</strong>;
            case "em":
                return <em>{inside(token.tokens)}</em>;
            case "del":
                return <del>{inside(token.tokens)}</del>;
            case "codespan":
                return <code>{token.text}</code>;
            case "br":
                return <br />;
            case "checkbox":
                return token.checked ? "☑ " : "☐ ";
            case "link":
                return this.link(token, depth);
            case "image":
                return withAddress(`${texts.image}: ${token.text}`, token.href);
            default:
                return token.raw;
        }
    }

    private list({ ordered, start, items }: Tokens.List, depth: number) {
        const rows = items.map((item) => listItem(this.all(item.tokens, depth + 1)));
        return ordered ? <ol start={start === "" ? undefined : start}>{rows}</ol> : <ul>{rows}</ul>;
    }

    private table({ header, rows }: Tokens.Table, depth: number) {
        const inside = (cell: Tokens.TableCell) => this.all(cell.tokens, depth + 1);
        return (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled with the keyboard.
            <div class="markdown-table" role="group" aria-label={texts.table} tabIndex={0}>
                <table>
                    <thead>
                        <tr>{header.map((cell) => headCell(cell, inside(cell)))}</tr>
                    </thead>
                    <tbody>{rows.map((row) => tableRow(row.map((cell) => dataCell(cell, inside(cell)))))}</tbody>
                </table>
            </div>
        );
    }

    private link({ text, href, tokens }: Tokens.Link, depth: number) {
        // An address alone, or one that `marked` has completed.
        if ([text, `mailto:${text}`, `http://${text}`].includes(href)) return text;
        return withAddress(this.all(tokens, depth + 1), href);
    }

    /** Returns a text with its citations, `[1]`, `[1, 2]` and `【1】`. */
    private text(text: string): ComponentChildren {
        const parts = text.split(/(\[[\d,; ]{1,62}\]|【[\d,; ]{1,62}】)/);
        return parts.length === 1 ? text : parts.map((part, at) => (at % 2 === 1 ? this.citation(part) : part));
    }

    private citation(part: string): ComponentChildren {
        const numbers = part
            .slice(1, -1)
            .split(/[,;]/)
            .map((number) => number.trim());
        if (!numbers.every((number) => /^\d+$/.test(number))) return part;
        const shown = [...new Set(numbers)].map((number) => this.cite(Number(number)) ?? `[${number}]`);
        return shown.every((one) => typeof one === "string") ? part : shown;
    }
}

// Elements without keys: an answer only grows at its end.
const listItem = (inside: ComponentChildren) => <li>{inside}</li>;

const tableRow = (inside: ComponentChildren) => <tr>{inside}</tr>;

const headCell = ({ text, align }: Tokens.TableCell, inside: ComponentChildren) =>
    text === "" ? (
        <td />
    ) : (
        <th scope="col" class={alignment(align)}>
            {inside}
        </th>
    );

const dataCell = ({ align }: Tokens.TableCell, inside: ComponentChildren) => <td class={alignment(align)}>{inside}</td>;

const alignment = (align: Tokens.TableCell["align"]) => (align ? `markdown-${align}` : undefined);

const withAddress = (inside: ComponentChildren, href: string) => (
    <>
        {inside} (<span class="markdown-address">{href}</span>)
    </>
);

const htmlAsText = (token: Tokens.HTML | Tokens.Tag) => {
    // Models write it in the cells of tables.
    if (/^<br\s*\/?>$/i.test(token.raw.trim())) return <br />;
    return token.block ? <p class="markdown-raw">{token.raw.trim()}</p> : token.raw;
};

const ENTITIES: Record<string, string> = {
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
    "#39": "'",
    nbsp: "\u00a0",
};

/** Reads the entities that models write. The result is text, whatever it is. */
const decode = (text: string): string =>
    text.replace(/&(amp|lt|gt|quot|apos|#39|nbsp);/g, (entity, name: string) => ENTITIES[name] ?? entity);

const KNOWN: ReadonlySet<string> = new Set<MarkedToken["type"]>([
    "blockquote",
    "br",
    "checkbox",
    "code",
    "codespan",
    "def",
    "del",
    "em",
    "escape",
    "heading",
    "hr",
    "html",
    "image",
    "link",
    "list",
    "paragraph",
    "space",
    "strong",
    "table",
    "text",
]);

const isKnown = (token: Token): token is MarkedToken => KNOWN.has(token.type);

/** Returns a text without its marks, to be read aloud. */
export const spoken = async (text: string): Promise<string> => {
    const tokens = (await loading).parse(text);
    return tokens === null ? text : tokens.map(words).join(" ").replace(/\s+/g, " ").trim();
};

const words = (token: Token): string => {
    if (!isKnown(token) || token.type === "def") return "";
    switch (token.type) {
        case "list":
            return token.items.map(({ tokens }) => tokens.map(words).join(" ")).join(". ");
        case "table":
            return [token.header, ...token.rows].map((row) => row.map(({ text }) => text).join(", ")).join(". ");
        case "code":
            return texts.code;
        default:
            if ("tokens" in token && token.tokens) return token.tokens.map(words).join("");
            return "text" in token ? token.text.replace(/ ?\[[\d,; ]+\]/g, "") : " ";
    }
};
