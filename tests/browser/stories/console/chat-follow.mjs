// A long conversation: the page follows the answer as long as the reader is at its end, and shows earlier messages.
import assert from "node:assert/strict";
import { answers, ask, button, ended } from "../../chat.mjs";
import { tell } from "../../chromium.mjs";
import { looksRight, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, conversation, person, stored }) => {
    const page = await visitOrganization(open, organization, `conversations/${conversation}`, person);
    const isAtEnd = () => page.waitForFunction(() => document.documentElement.scrollHeight - innerHeight - scrollY <= 24);
    const isStill = () => page.waitForFunction(() => new Promise((done) => ((y) => setTimeout(() => done(scrollY === y), 200))(scrollY)));
    await answers(page).first().waitFor();
    await isAtEnd();
    const shown = await answers(page).count();
    assert.ok(shown < stored, "the newest messages come first");
    await looksRight(page, "a long conversation");
    await isAtEnd();

    await ask(page, "What is a loom?");
    const last = answers(page).nth(shown);
    await last.getByText("The").first().waitFor();
    await isAtEnd();
    await page.mouse.move(800, 300);
    await page.mouse.wheel(0, -600);
    await button(page, "Go to the end").waitFor();
    await isStill();
    const place = await page.evaluate(() => scrollY);
    await last.locator("footer").waitFor();
    assert.equal(await page.evaluate(() => scrollY), place, "the page stays where the reader is");
    await button(page, "Go to the end").click();
    await isAtEnd();
    await button(page, "Go to the end").waitFor({ state: "detached" });
    assert.equal(await answers(page).count(), shown + 1);

    await button(page, "Show earlier messages").click();
    await page.waitForFunction((count) => document.querySelectorAll("article h2").length === count, 2 * (stored + 1));
    assert.equal(await button(page, "Show earlier messages").count(), 0);
    await ended(page, stored + 1);
});
