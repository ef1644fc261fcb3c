// Somebody removes the password, and asks for a mail that sets one. Without it, the address stays as it is.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, isAtHeading, looksRight, press, said, visitAccount } from "../../console.mjs";

await tell(async ({ open, person }) => {
    const page = await visitAccount(open, "sign-in-methods", person);
    await page.getByText(`A link and a code to ${person.email}`).waitFor();
    await looksRight(page, "ways to sign in");
    await press(page, "Remove Password");
    await asks(page, "Remove the password?");
    await answer(page, "Cancel");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await press(page, "Remove Password");
    await answer(page, "Remove");
    await isAtHeading(page);
    await said(page, "Password removed. All other sessions have ended.");
    await page.getByText("You have no password.").waitFor();
    await looksRight(page, "ways to sign in without a password");

    await page.goto(`${CONSOLE}/account/profile`);
    await page.getByText("A change of the address needs a password").waitFor();
    assert.equal(await page.getByRole("button", { name: "Change the address" }).count(), 0);
    await looksRight(page, "profile without a password");
    await press(page, "Set a password by mail");
    await said(page, `We mailed a link to ${person.email}.`);
});
