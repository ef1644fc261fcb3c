// An administrator lets mail be sent to an address that bounced, and looks at their own account.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { visit } from "../../console.mjs";

await tell(async ({ open, person, user }) => {
    const page = await visit(open, `/administration/users/${user.id}`, { person });
    await page.getByText("A mail to the address bounced.").waitFor();
    await accessible(page, "mail stopped");
    await page.getByRole("button", { name: "Send mail again" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Send mail again" }).click();
    await page.locator(".toast").filter({ hasText: `Mail is sent to ${user.email} again.` }).waitFor();
    await page.getByText("A mail to the address bounced.").waitFor({ state: "detached" });

    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("row").filter({ hasText: person.email }).getByRole("link").click();
    await page.getByText("This is your own account.").waitFor();
    await accessible(page, "own account");
    const buttons = await page.getByRole("main").getByRole("button").allTextContents();
    assert.deepEqual(buttons, ["Save profile", "Export data"], "the rest is for another administrator");
});
