// What a file must be before it is sent.

import { own } from "../../api/own";
import type { components } from "../../api/schema";

export type MediaType = components["schemas"]["MediaType"];

export const MAX_BYTES = 104_857_600;
const MAX_NAME = 255;

const WORD: MediaType = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

// By the name, because browsers do not know all types, and some systems call CSV by another one.
const BY_ENDING: Record<string, MediaType | undefined> = {
    txt: "text/plain",
    text: "text/plain",
    log: "text/plain",
    md: "text/markdown",
    markdown: "text/markdown",
    html: "text/html",
    htm: "text/html",
    csv: "text/csv",
    pdf: "application/pdf",
    docx: WORD,
};

export const MEDIA_TYPES = [...new Set(Object.values(BY_ENDING))].filter((type) => type !== undefined);

/** For the `accept` of a file field. */
export const ENDINGS = Object.keys(BY_ENDING)
    .map((ending) => `.${ending}`)
    .join(",");

/** Returns the type of a file, or null if it cannot be read. */
export const mediaTypeOf = ({ name, type }: File): MediaType | null => {
    const ending = name.includes(".") ? (name.split(".").pop()?.toLowerCase() ?? "") : "";
    return own(BY_ENDING, ending) ?? MEDIA_TYPES.find((known) => known === type.split(";")[0]) ?? null;
};

/** Returns the name of a file as the name of an artifact: without what is invisible. */
export const documentName = (name: string): string => {
    const visible = name
        .normalize("NFC")
        .replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
        .replaceAll("://", "_")
        .trim();
    return [...visible].slice(0, MAX_NAME).join("") || "file";
};

/** Returns the SHA-256 of a file in hexadecimal digits. */
export const sha256 = async (file: Blob): Promise<string> => {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};
