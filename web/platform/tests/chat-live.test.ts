import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../src/pages/chat/messages.js";
import { answers, endless, held, json, refused, sent, signedIn } from "./browser.js";

const { begin } = await import("../src/api/session.js");
const { signOut } = await import("../src/api/account.js");
const { LiveConversation, liveConversation } = await import("../src/pages/chat/live.js");

const path = { organizationId: "o", conversationId: "c" };
const BASE = "/v1/organizations/o/conversations/c";

begin(signedIn("ada"));

const message = (id: string, status: Message["status"]): Message => ({
    id,
    role: "assistant",
    status,
    content: "",
    sources: [],
    citations: [],
    createdAt: "2026-01-01T00:00:00Z",
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("a question that is refused takes no other message with it", async () => {
    const live = new LiveConversation(path);
    answers.set(`POST ${BASE}/answers`, async () => {
        live.messages.value = [...live.messages.value, message("newer", "complete")];
        return refused(409);
    });
    await live.ask("Why?");
    assert.deepEqual(
        live.messages.value.map(({ id }) => id),
        ["newer"],
    );
    assert.equal(live.draft.value, "Why?");
    assert.equal(live.problem.value?.status, 409);
});

for (const [status, isSaid] of [
    [403, true],
    [404, false],
] as const) {
    test(`an answer is not followed after a ${status}`, async (context) => {
        context.mock.timers.enable({ apis: ["setTimeout"] });
        const live = new LiveConversation(path);
        answers.set(`GET ${BASE}/messages/a`, () => refused(status));
        const following = live.follow("a");
        context.mock.timers.tick(2_000);
        await following;
        assert.equal(live.isWriting.value, false);
        assert.equal(live.problem.value !== null, isSaid);
    });
}

test("an answer is followed again after a limit of requests", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const live = new LiveConversation(path);
    let looks = 0;
    answers.set(`GET ${BASE}/messages/a`, () =>
        ++looks === 1 ? refused(429) : json({ data: message("a", "complete") }),
    );
    const following = live.follow("a");
    context.mock.timers.tick(2_000);
    while (looks === 0) await new Promise(setImmediate);
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
    context.mock.timers.tick(10_000);
    await following;
    assert.equal(looks, 2);
});

const begun = `event: message\ndata: ${JSON.stringify({ messageId: "a", userMessageId: "q", model: "m" })}\n\n`;
const done = `event: done\ndata: ${JSON.stringify({ status: "complete", citations: [] })}\n\n`;

test("a sign-out in any tab stops the answer that this tab shows", async () => {
    const live = liveConversation(path);
    answers.set(`POST ${BASE}/answers`, () => new Response(endless(begun)));
    answers.set(`POST ${BASE}/messages/a/cancel`, () => json({}, 202));
    answers.set("POST /v1/auth/logout", () => new Response(null, { status: 204 }));
    void live.ask("Why?");
    while (!live.messages.value.some(({ id }) => id === "a")) await turn();
    assert.deepEqual([...held], [`arches-last ${BASE}/messages/a/cancel`], "other tabs know what to stop");
    sent.length = 0;
    await signOut();
    assert.deepEqual(sent, [`POST ${BASE}/messages/a/cancel`, "POST /v1/auth/logout"]);
    assert.notEqual(liveConversation(path), live);
    await turn();
    assert.equal(held.size, 0);
});

test("a sign-out does not stop an answer that has ended", async () => {
    begin(signedIn("ada"));
    answers.set(`POST ${BASE}/answers`, () => new Response(begun + done));
    answers.set(`GET ${BASE}/messages/a`, () => json({ data: message("a", "complete") }));
    await liveConversation(path).ask("Why?");
    await turn();
    assert.equal(held.size, 0);
});
