// The pages say what they know about an address: that nobody has confirmed it, and that no mail arrives.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE, looksRight, press, said, visitAccount } from "../../console.mjs";

await tell(async ({ open, unconfirmed, bounced, complained }) => {
    const page = await visitAccount(open, "profile", unconfirmed);
    await page.getByText("Not confirmed", { exact: true }).waitFor();
    await looksRight(page, "an address that is not confirmed");
    await page.goto(`${CONSOLE}/account/sign-in-methods`);
    await page.getByText("Your only way to sign in").waitFor();
    await page.getByText("Works as soon as your address is confirmed.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Remove" }).count(), 0);
    await looksRight(page, "one way to sign in");
    await page.getByRole("button", { name: "Set up" }).click();
    await page.locator(".toast").filter({ hasText: "Confirm your e-mail address first" }).waitFor();

    const second = await visitAccount(open, "profile", bounced);
    await second.getByText("A mail to it came back.").waitFor();
    await looksRight(second, "an address that bounced");
    await press(second, "Send the mail again");
    await said(second, "A mail is on its way.");

    const third = await visitAccount(open, "profile", complained);
    await third.getByText("A mail to it was reported as spam.").waitFor();
    assert.equal(await third.getByRole("button", { name: "Send the mail again" }).count(), 0);
});
