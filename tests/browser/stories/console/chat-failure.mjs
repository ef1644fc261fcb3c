// The model fails. The page says so, keeps what was written, and asks again.
import assert from "node:assert/strict";
import { ask, button, ended } from "../../chat.mjs";
import { tell } from "../../chromium.mjs";
import { looksRight, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, conversation, person, says, keeps }) => {
    const page = await visitOrganization(open, organization, `conversations/${conversation}`, person);
    await ask(page, "What is a loom?");
    const failed = await ended(page, 1);
    await failed.getByText(says).waitFor();
    // The id of the request.
    await failed.getByRole("alert").locator("code").waitFor();
    assert.match(await failed.textContent(), new RegExp(keeps));
    await looksRight(page, says);

    await page.reload();
    await (await ended(page, 1)).getByText(says).waitFor();
    await button(page, "Ask again").click();
    const answer = await ended(page, 2);
    await answer.getByText("The sources do not say this.").waitFor();
    assert.equal(await button(page, "Ask again").count(), 0);
});
