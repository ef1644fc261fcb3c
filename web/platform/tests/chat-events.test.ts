import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser, readEvents, type ServerEvent } from "../src/pages/chat/events.js";

const STREAM = [
    'id: 1\nevent: message\ndata: {"messageId":"m"}\n\n',
    ": ping\n\n",
    'id: 2\nevent: delta\ndata: {"text":"Größe 😀"}\n\n',
    "id: 3\nevent: done\ndata: {}\n\n",
].join("");

const EVENTS: ServerEvent[] = [
    { id: "1", name: "message", data: '{"messageId":"m"}' },
    { id: "2", name: "delta", data: '{"text":"Größe 😀"}' },
    { id: "3", name: "done", data: "{}" },
];

/** Returns the events of pieces that come one after the other. */
const parse = (...pieces: string[]): ServerEvent[] => {
    const parser = new EventParser();
    return pieces.flatMap((piece) => parser.push(piece));
};

const body = (...pieces: Uint8Array[]) =>
    new ReadableStream<Uint8Array>({
        start: (controller) => {
            for (const piece of pieces) controller.enqueue(piece);
            controller.close();
        },
    });

const bytesOf = (text: string) => new TextEncoder().encode(text);

const collect = async (stream: ReadableStream<Uint8Array>): Promise<ServerEvent[]> => {
    const events = [];
    for await (const event of readEvents(stream)) events.push(event);
    return events;
};

test("events are read, and comments are not", () => {
    assert.deepEqual(parse(STREAM), EVENTS);
});

test("a stream may be split anywhere", () => {
    for (const ending of ["\n", "\r\n", "\r"]) {
        const stream = STREAM.replaceAll("\n", ending);
        assert.deepEqual(parse(...stream), EVENTS, JSON.stringify(ending));
        for (let at = 0; at <= stream.length; at++) {
            const halves = [stream.slice(0, at), stream.slice(at)];
            assert.deepEqual(parse(...halves), EVENTS, JSON.stringify(halves));
        }
    }
});

test("bytes may be split within a character", async () => {
    const bytes = bytesOf(STREAM);
    for (let at = 0; at <= bytes.length; at++) {
        assert.deepEqual(await collect(body(bytes.slice(0, at), bytes.slice(at))), EVENTS);
    }
    assert.deepEqual(await collect(body(...[...bytes].map((byte) => Uint8Array.of(byte)))), EVENTS);
});

test("fields are read as the standard says", () => {
    const read = (text: string) => parse(text).map(({ id, name, data }) => [id, name, data]);
    // Several lines of data; at most one space after the colon is not part of a value.
    assert.deepEqual(read("data: a\ndata:b\ndata:  c\n\n"), [["", "message", "a\nb\n c"]]);
    assert.deepEqual(read("data\n\n"), [["", "message", ""]]);
    assert.deepEqual(read("data: a: b\n\n"), [["", "message", "a: b"]]);
    // An id stays until the next one; a name does not.
    assert.deepEqual(read("id: 7\nevent: x\ndata: a\n\ndata: b\n\n"), [
        ["7", "x", "a"],
        ["7", "message", "b"],
    ]);
    assert.deepEqual(read("id: a\0b\nretry: 5\nunknown: x\ndata: a\n\n"), [["", "message", "a"]]);
    // No data, no event.
    assert.deepEqual(read("event: x\n\ndata: a\n\n"), [["", "message", "a"]]);
    assert.deepEqual(read("\n\n\n"), []);
});

test("an event without an end is dropped", async () => {
    assert.deepEqual(await collect(body(bytesOf(`${STREAM}id: 4\nevent: delta\ndata: {"te`))), EVENTS);
    assert.deepEqual(parse("data: a\n"), []);
});

test("a byte order mark is not part of the first field", async () => {
    assert.deepEqual(await collect(body(bytesOf(`\ufeff${STREAM}`))), EVENTS);
});

test("a stream is let go of when its events are not read any more", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(bytesOf("data: a\n\n")),
        cancel: () => {
            isCancelled = true;
        },
    });
    for await (const event of readEvents(endless)) {
        assert.equal(event.data, "a");
        break;
    }
    assert.ok(isCancelled);
});

test("a stream that breaks throws after its events", async () => {
    let isFirst = true;
    const broken = new ReadableStream<Uint8Array>({
        pull: (controller) => {
            if (isFirst) controller.enqueue(bytesOf(STREAM));
            else controller.error(new Error("broken"));
            isFirst = false;
        },
    });
    const events: ServerEvent[] = [];
    await assert.rejects(async () => {
        for await (const event of readEvents(broken)) events.push(event);
    }, /broken/);
    assert.deepEqual(events, EVENTS);
});

test("a line of a megabyte is read", () => {
    const text = "x".repeat(1_000_000);
    assert.deepEqual(parse(`data: ${text}\n\n`), [{ id: "", name: "message", data: text }]);
});
