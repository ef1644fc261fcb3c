import assert from "node:assert/strict";
import { test } from "node:test";
import { documentName, mediaTypeOf, sha256 } from "../src/pages/artifacts/file.js";
import { type Chunk, piecesOf } from "../src/pages/artifacts/pieces.js";

const typeOf = (name: string, type = "") => mediaTypeOf(new File(["x"], name, { type }));

test("the type of a file is that of its name", () => {
    assert.equal(typeOf("Notes.MD"), "text/markdown");
    assert.equal(typeOf("notes.constructor"), null);
    assert.equal(typeOf("prices.csv", "application/vnd.ms-excel"), "text/csv");
    assert.equal(typeOf("page", "text/html; charset=utf-8"), "text/html");
    for (const [name, type] of [
        ["engine.exe", "application/x-msdownload"],
        ["folder", ""],
        ["pdf", ""],
        ["picture.png", "image/png"],
    ] as const) {
        assert.equal(typeOf(name, type), null, name);
    }
});

test("the name of an artifact has nothing invisible, and is no link", () => {
    assert.equal(documentName(" Notes\u202e\u200b\n.pdf "), "Notes.pdf");
    assert.equal(documentName("https://example.com"), "https_example.com");
    assert.equal(documentName("نامه\u200cها.txt"), "نامه\u200cها.txt", "Persian needs it");
    assert.equal([...documentName("😀".repeat(300))].length, 255);
    assert.equal(documentName("\u200b"), "file");
});

test("a checksum has 64 digits", async () => {
    assert.equal(await sha256(new Blob([])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

const TEXT = "One 😀 two three. Four five six. Seven eight.\n\nNine ten.";

const chunk = (start: number, end: number, more: Partial<Chunk> = {}): Chunk => {
    const text = [...TEXT].slice(start, end).join("");
    return { id: `${start}`, ordinal: start, start, end, text, ...more };
};

const CHUNKS = [chunk(0, 16), chunk(10, 31), chunk(27, 44), chunk(46, 55)];

const read = (marked?: string): string[] => piecesOf(CHUNKS, marked).map(({ text }) => text);

test("chunks that overlap are read without a repetition", () => {
    assert.equal(read().join(""), TEXT);
    for (const marked of ["0", "10", "27", "46"]) assert.equal(read(marked).join(""), TEXT, marked);
});

test("the marked chunk is shown as a whole", () => {
    assert.equal(read("10")[1], CHUNKS[1]?.text);
    assert.equal(read()[1], " Four five six.");
});

test("a heading and a page are named where they begin", () => {
    const parts = [
        chunk(0, 16, { heading: "A", page: 1 }),
        chunk(17, 31, { heading: "A", page: 2 }),
        chunk(32, 44, { page: 2 }),
        chunk(46, 55, { heading: "B", page: 2 }),
    ];
    const named = piecesOf(parts, undefined).map(({ heading, page }) => [heading, page]);
    assert.deepEqual(named, [
        ["A", 1],
        [null, 2],
        [null, null],
        ["B", null],
    ]);
});
