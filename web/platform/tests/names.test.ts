import assert from "node:assert/strict";
import { test } from "node:test";
import { namesFrom } from "../src/api/names.js";
import { Problem } from "../src/api/problem.js";

const turn = () => new Promise(setImmediate);

test("two names are asked for at the same time, each once", async () => {
    const waiting: (() => void)[] = [];
    const asked: string[] = [];
    const names = namesFrom((id) => {
        asked.push(id);
        return new Promise((resolve) => waiting.push(() => resolve(id.toUpperCase())));
    });
    for (const id of ["a", "b", "c", "a", ""]) assert.equal(names.nameOf(id), undefined);
    assert.deepEqual(asked, ["a", "b"]);
    waiting[0]?.();
    await turn();
    assert.deepEqual(asked, ["a", "b", "c"]);
    assert.equal(names.nameOf("a"), "A");
});

test("a name that came with others is not asked for", async () => {
    const asked: string[] = [];
    const names = namesFrom(async (id) => {
        asked.push(id);
        names.learn({ b: "Bob", c: "Cid" });
        return "Ann";
    });
    names.learn({ d: "Dan" });
    for (const id of ["a", "d", "b", "c"]) names.nameOf(id);
    await turn();
    assert.deepEqual(asked.includes("d"), false);
    assert.deepEqual(
        ["a", "b", "c", "d"].map((id) => names.nameOf(id)),
        ["Ann", "Bob", "Cid", "Dan"],
    );
});

test("a failure that may pass is tried again some seconds later, another one is not", async (context) => {
    context.mock.timers.enable({ apis: ["Date"] });
    const asked: string[] = [];
    const names = namesFrom(async (id) => {
        asked.push(id);
        throw Problem.of(new Response(null, { status: id === "gone" ? 404 : 503 }), null);
    });
    const look = async () => {
        for (const id of ["gone", "busy"]) names.nameOf(id);
        await turn();
    };
    await look();
    await look();
    assert.deepEqual(asked, ["gone", "busy"]);
    context.mock.timers.tick(5_000);
    await look();
    assert.deepEqual(asked, ["gone", "busy", "busy"]);
});
