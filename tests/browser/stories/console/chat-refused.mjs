// The API does not take a question. The question stays in the field, and the page says what to do.
import assert from "node:assert/strict";
import { answers, ask, button, ended, questionField } from "../../chat.mjs";
import { API, tell } from "../../chromium.mjs";
import { looksRight, visitOrganization } from "../../console.mjs";

const QUESTION = "What is a loom?";

await tell(async ({ open, organization, owner, member }) => {
    const page = await visitOrganization(open, organization, `conversations/${owner.conversation}`, owner);
    await questionField(page).fill("ü".repeat(16_001));
    await page.keyboard.press("Enter");
    await page.getByText("This question is too long.").waitFor();
    await looksRight(page, "a question that is too long");
    assert.equal(await answers(page).count(), 0);

    // The same question is the same request.
    const keys = [];
    page.on("request", (request) => {
        if (request.method() === "POST" && request.url().endsWith("/answers")) keys.push(request.headers()["idempotency-key"]);
    });
    await page.route(`${API}/**/answers`, (route) => route.abort());
    await ask(page, QUESTION);
    await page.getByText("The service cannot be reached.").waitFor();
    assert.equal(await questionField(page).inputValue(), QUESTION);
    assert.equal(await answers(page).count(), 0);
    await page.unroute(`${API}/**/answers`);
    await button(page, "Try again").click();
    await page.getByText("The organization has used its tokens of this month").waitFor();
    assert.equal(await questionField(page).inputValue(), QUESTION);
    assert.equal(new Set(keys).size, 1);
    await looksRight(page, "a budget that is used up, for an owner");
    const isAnswer = (response) => response.request().method() === "POST" && response.url().endsWith("/answers");
    await Promise.all([page.waitForResponse(isAnswer), ask(page, `${QUESTION} And a shuttle?`)]);
    assert.equal(new Set(keys).size, 2);
    await page.getByRole("link", { name: "See the usage" }).click();
    await page.getByRole("heading", { level: 1, name: "Usage" }).waitFor();

    const theirs = await visitOrganization(open, organization, `conversations/${member.conversation}`, member);
    await ask(theirs, QUESTION);
    await theirs.getByText("The organization has used its tokens of this month").waitFor();
    await theirs.getByText("An owner or an administrator of the organization can see the usage.").waitFor();
    assert.equal(await theirs.getByRole("link", { name: "See the usage" }).count(), 0);
    await looksRight(theirs, "a budget that is used up, for a member");

    // Nobody reads the conversation of somebody else.
    await theirs.goto(page.url().replace(/\/usage.*/, `/conversations/${owner.conversation}`));
    await theirs.getByText("You have no such conversation in this organization.").waitFor();
    await looksRight(theirs, "a conversation of somebody else");
    assert.equal(await questionField(theirs).count(), 0);
});
