// A readable text of chunks.

import type { components } from "../../api/schema";

export type Chunk = components["schemas"]["ArtifactChunk"];

/** A chunk in the text. */
export type Piece = {
    chunk: Chunk;
    /** Its text, without what the chunk before it shows. */
    text: string;
    /** The heading and the page that begin here. */
    heading: string | null;
    page: number | null;
};

/**
 * Cuts chunks so that they can be read one after the other: each shares characters with the next one, which are shown once. They belong to the chunk `marked`, so
 * that it is shown as a whole.
 */
export const piecesOf = (chunks: readonly Chunk[], marked: string | undefined): Piece[] =>
    chunks.map((chunk, at) => {
        const before = chunks[at - 1];
        const next = chunks[at + 1];
        const begin = before && chunk.id !== marked ? Math.max(chunk.start, before.end) : chunk.start;
        const end = next && next.id === marked ? Math.min(chunk.end, next.start) : chunk.end;
        const text = [...chunk.text].slice(begin - chunk.start, Math.max(0, end - chunk.start)).join("");
        const heading = chunk.heading === before?.heading ? null : (chunk.heading ?? null);
        const page = chunk.page === before?.page ? null : (chunk.page ?? null);
        const space = before && heading === null && page === null ? between(before, chunk) : "";
        return { chunk, text: space + text, heading, page };
    });

/** Returns the space between two chunks, which is in neither of them. */
const between = (before: Chunk, chunk: Chunk): string => {
    if (before.heading !== chunk.heading || before.page !== chunk.page || chunk.start - before.end > 1) return "\n\n";
    return chunk.start > before.end ? " " : "";
};
