// Which words of a text a query is about. The API says where a passage is, and not which of its words matched.

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const ENDING = /(?:ies|ings?|ed|es|s|e|y)$/;
const SHORTEST_STEM = 3;

/** Too common to be marked. */
const COMMON = new Set(
    "a an and are as at be but by can do does for from has have how i if in is it its me my no not of on or our so that the their then there they this to was we were what when where which who why will with you your".split(
        " ",
    ),
);

/** Returns what forms of one word have in common: `weave`, `weaves` and `weaving`. */
const stemOf = (word: string): string => {
    const lower = word.normalize("NFKC").toLowerCase();
    const stem = lower.replace(ENDING, "").replace(/(.)\1$/u, "$1");
    return stem.length < SHORTEST_STEM ? lower : stem;
};

/** Returns the words that a query asks for, without those after a minus. */
const stemsOf = (query: string): Set<string> => {
    const wanted = query.replace(/(^|\s)-("[^"]*"|\S+)/g, " ").match(WORD) ?? [];
    const rare = wanted.filter((word) => !COMMON.has(word.toLowerCase()));
    return new Set((rare.length > 0 ? rare : wanted).map(stemOf));
};

type Match = { start: number; end: number; stem: string };

const matchesIn = (text: string, query: string): Match[] => {
    const stems = stemsOf(query);
    return [...text.matchAll(WORD)]
        .map((found) => ({ start: found.index, end: found.index + found[0].length, stem: stemOf(found[0]) }))
        .filter(({ stem }) => stems.has(stem));
};

export type Part = { text: string; isMatch: boolean };

/** Splits a text into words that match and what stands between them. */
export const split = (text: string, query: string): Part[] => {
    const parts: Part[] = [];
    let at = 0;
    for (const { start, end } of matchesIn(text, query)) {
        if (start > at) parts.push({ text: text.slice(at, start), isMatch: false });
        parts.push({ text: text.slice(start, end), isMatch: true });
        at = end;
    }
    if (at < text.length) parts.push({ text: text.slice(at), isMatch: false });
    return parts;
};

/** Characters before the first match in an excerpt. */
const BEFORE = 60;

/** Returns the piece of a text in which most of the query stands. */
export const excerpt = (text: string, query: string, length: number): string => {
    if (text.length <= length) return text;
    const matches = matchesIn(text, query);
    let best = { start: 0, words: 0 };
    for (const { start } of matches) {
        const near = matches.filter((other) => other.start >= start && other.end <= start + length - BEFORE);
        const words = new Set(near.map(({ stem }) => stem)).size;
        if (words > best.words) best = { start, words };
    }
    const from = best.start <= BEFORE ? 0 : wordStart(text, Math.min(best.start - BEFORE, text.length - length));
    const to = from + length >= text.length ? text.length : wordEnd(text, from + length);
    return `${from > 0 ? "… " : ""}${text.slice(from, to).trim()}${to < text.length ? " …" : ""}`;
};

const wordStart = (text: string, at: number): number => {
    const space = text.slice(at, at + BEFORE).search(/\s/);
    return space === -1 ? at : at + space + 1;
};

const wordEnd = (text: string, at: number): number => {
    const space = text.slice(at - BEFORE, at).search(/\s\S*$/);
    return space === -1 ? at : at - BEFORE + space;
};
