import assert from "node:assert/strict";
import { test } from "node:test";
import {
    asked,
    citable,
    isBegun,
    isDone,
    isFailure,
    isSources,
    type Message,
    merge,
} from "../src/pages/chat/messages.js";

const message = (id: string, change: Partial<Message> = {}): Message => ({
    id,
    role: "assistant",
    status: "complete",
    content: "",
    sources: [],
    citations: [],
    createdAt: "2026-11-27T00:00:00Z",
    ...change,
});

test("messages are in the order of their ids, and the newer version of one counts", () => {
    const newest = ["0199-3", "0199-2", "0199-1"].map((id) => message(id));
    const live = [message("0199-3", { content: "more" }), ...asked("Why?")];
    const merged = merge(newest, live);
    assert.deepEqual(
        merged.map(({ id, content }) => [id.slice(0, 6), content]),
        [
            ["0199-1", ""],
            ["0199-2", ""],
            ["0199-3", "more"],
            ["~1", "Why?"],
            ["~2", ""],
        ],
    );
    assert.deepEqual(merge([], []), []);
});

test("what an answer may cite is what it was given, and in the end what the API found", () => {
    const sources = [1, 2].map((n) => ({ n, name: "Handbook", chunkId: "c", artifactId: null }));
    const citations = [{ n: 2, start: 0, end: 3 }];
    assert.deepEqual([...citable(message("a", { status: "streaming", sources }))], [1, 2]);
    assert.deepEqual([...citable(message("a", { sources, citations }))], [2]);
});

test("events of a stream are checked", () => {
    const source = { n: 1, artifactId: "a", name: "Handbook", page: 3, chunkId: "c" };
    const done = {
        status: "complete",
        retrieval: "hybrid",
        citations: [{ n: 1, start: 29, end: 32 }],
        usage: null,
        budget: { used: 1, limit: 2 },
    };
    assert.ok(isBegun({ userMessageId: null, messageId: "m", model: "x" }));
    assert.ok(isSources([source, { ...source, page: null, artifactId: null }]));
    assert.ok(isDone(done));
    assert.ok(isDone({ ...done, retrieval: null, budget: null }));
    for (const wrong of [null, 1, "", [], {}, { messageId: 1 }]) {
        assert.ok(!isBegun(wrong));
        assert.ok(!isDone(wrong));
    }
    assert.ok(!isSources([{ ...source, n: "1" }]));
    assert.ok(!isSources(source));
    assert.ok(!isDone({ ...done, status: "streaming" }));
    assert.ok(!isDone({ ...done, citations: [{ n: 1 }] }));
    assert.ok(isFailure("answer-cut") && !isFailure("unavailable"));
});
