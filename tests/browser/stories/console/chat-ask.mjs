// Somebody asks a first question. The answer grows while it is written, and its citations open the passages.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { announced, answers, ask, button, ended, questionField } from "../../chat.mjs";
import { tell } from "../../chromium.mjs";
import { looksRight, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, question }) => {
    const page = await visitOrganization(open, organization, "conversations", person);
    await page.getByRole("heading", { level: 1, name: "Ask your artifacts" }).waitFor();
    await page.getByText("No conversations yet.").waitFor();
    await looksRight(page, "a page without conversations");

    await questionField(page).fill("");
    await questionField(page).focus();
    await page.keyboard.type("How long are");
    await page.keyboard.press("Shift+Enter");
    assert.equal(await questionField(page).inputValue(), "How long are\n");
    const low = (await questionField(page).boundingBox()).height;
    const text = `${question}\n\n\n`;
    await questionField(page).fill(text);
    await page.waitForFunction((low) => document.querySelector("textarea").getBoundingClientRect().height > low, low);

    await ask(page, question);
    await page.getByRole("heading", { level: 1, name: question }).waitFor();
    await announced(page, "The answer is being written.");
    const answer = answers(page).first();
    await answer.getByText("Backups").waitFor();
    await button(page, "Stop").waitFor();
    assert.doesNotMatch(await answer.textContent(), /their keys/, "the rest is not written yet");
    await accessible(page, "an answer that is written");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA", "the next question can be written");

    await ended(page, 1);
    await announced(page, "Answer: Backups are kept for 35 days.");
    assert.match(await answer.textContent(), /Backups are kept for 35 days.*Monthly.*their keys/s);
    await page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: question }).waitFor();
    await looksRight(page, "an answer");

    // With the keyboard: a citation, its passage, and back.
    const citation = answer.getByRole("button", { name: "Source 1: Handbook" }).first();
    await citation.focus();
    await page.keyboard.press("Enter");
    const passage = page.getByRole("dialog", { name: "Handbook" });
    await passage.getByText("Monthly backups are kept for one year.").waitFor();
    await page.waitForFunction(() => document.activeElement.tagName === "H2");
    await looksRight(page, "a passage");
    await page.keyboard.press("Escape");
    await passage.waitFor({ state: "hidden" });
    assert.ok(await citation.evaluate((element) => element === document.activeElement), "the focus comes back");

    await button(page, "Copy the answer").click();
    await page.getByText("Answer copied.").or(page.getByText("The browser did not allow it.")).first().waitFor();

    // Without artifacts there is nothing to cite.
    await page.getByRole("checkbox", { name: "Answer from artifacts" }).uncheck();
    await ask(page, question);
    const second = await ended(page, 2);
    assert.equal(await second.getByRole("button", { name: "Source 1: Handbook" }).count(), 0);

    await citation.click();
    await passage.getByRole("link", { name: "Open in the artifact" }).click();
    await page.waitForURL(/\/artifacts\/[^/]+\?chunk=[0-9a-f-]{36}$/);
    await page.getByRole("heading", { level: 1, name: "Handbook" }).waitFor();
});
