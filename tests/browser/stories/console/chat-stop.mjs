// Somebody stops an answer, asks again, looks at another page, loads the page again, looks at the conversation in two tabs, and signs out.
import assert from "node:assert/strict";
import { announced, answers, ask, button, ended, questionField } from "../../chat.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE, looksRight, signIn, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, conversation, person }) => {
    const page = await visitOrganization(open, organization, `conversations/${conversation}`, person);
    const url = page.url();
    await page.getByRole("heading", { name: "No questions yet" }).waitFor();
    await looksRight(page, "a conversation without questions");
    const writes = async (tab, count) => {
        await answers(tab).nth(count - 1).getByText("The").first().waitFor();
        await button(tab, "Stop").waitFor();
    };
    const stopped = (count) => answers(page).nth(count - 1).getByText("The answer was stopped.").waitFor();

    await ask(page, "What is a loom?");
    await writes(page, 1);
    await button(page, "Stop").click();
    await stopped(1);
    await announced(page, "The answer was stopped.");
    assert.doesNotMatch(await answers(page).first().textContent(), /say this/);
    await looksRight(page, "an answer that was stopped");

    // The answer goes on while another page is open.
    await button(page, "Ask again").click();
    await writes(page, 2);
    assert.equal(await button(page, "Ask again").count(), 0);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Members" }).click();
    await page.getByRole("heading", { level: 1, name: "Members" }).waitFor();
    await page.goBack();
    await questionField(page).waitFor();
    assert.match(await (await ended(page, 2)).textContent(), /say this/);

    // A page that is left stops its answer.
    await ask(page, "What is a shuttle?");
    await writes(page, 3);
    await page.reload();
    await stopped(3);
    await button(page, "Ask again").waitFor();

    // Another tab follows an answer, and does not stop it when it is closed.
    await ask(page, "What is a heddle?");
    await writes(page, 4);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await button(other, "Stop").waitFor();
    await ask(other, "What is a warp?");
    assert.equal(await questionField(other).inputValue(), "What is a warp?", "one answer at a time");
    await other.close();
    assert.match(await (await ended(page, 4)).textContent(), /say this/);

    const third = await page.context().newPage();
    await third.goto(page.url());
    await (await ended(third, 4)).getByText("The sources do not say this.", { exact: true }).waitFor();

    // A sign-out in another tab stops it too.
    await ask(page, "What is a weft?");
    await writes(page, 5);
    await third.getByRole("button", { name: /: Your account$/ }).click();
    await third.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.waitForURL((url) => url.pathname === "/sign-in");
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    await signIn(page, person);
    await page.goto(url);
    await stopped(5);
});
