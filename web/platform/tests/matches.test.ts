import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt, split } from "../src/components/matches.js";

const marked = (text: string, query: string): string[] =>
    split(text, query)
        .filter(({ isMatch }) => isMatch)
        .map(({ text }) => text);

test("the words of a query are marked in every form", () => {
    const text = "The engine weaves patterns; weaving one took days, and the studies of a study went on.";
    assert.deepEqual(marked(text, "weave pattern"), ["weaves", "patterns", "weaving"]);
    assert.deepEqual(marked(text, "STUDY"), ["studies", "study"]);
    assert.deepEqual(marked("running, it runs", "run"), ["running", "runs"]);
    assert.deepEqual(marked("Größe und Größen", "größe"), ["Größe"]);
    assert.deepEqual(marked("an engineer", "engine"), [], "another word");
});

test("common words and words after a minus are not marked", () => {
    assert.deepEqual(marked("how long is the loom kept", "how long is a loom -kept"), ["long", "loom"]);
    assert.deepEqual(marked("the loom", 'loom -"the old loom"'), ["loom"]);
    assert.deepEqual(marked("to be or not to be", "to be"), ["to", "be", "to", "be"], "nothing else was asked");
});

test("a text is split without a change, whatever is in it", () => {
    for (const text of ["", "<img src=x> & loom", "loom", "a loom, b", "😀 loom 😀"]) {
        const whole = split(text, "loom <img>").map(({ text }) => text);
        assert.equal(whole.join(""), text);
    }
    assert.deepEqual(split("plain", ""), [{ text: "plain", isMatch: false }]);
});

test("an excerpt is where most of the query is", () => {
    const filler = "word ".repeat(100);
    const text = `${filler}the loom alone ${filler}the loom of Jacquard ${filler}`;
    const found = excerpt(text, "loom jacquard", 120);
    assert.match(found, /^… .*the loom of Jacquard.* …$/);
    assert.ok(found.length <= 130, found);
    assert.equal(excerpt("short", "loom", 120), "short");
    assert.equal(excerpt(filler, "loom", 20), "word word word word …");
    assert.equal(excerpt("x".repeat(50), "loom", 20), `${"x".repeat(20)} …`);
});
