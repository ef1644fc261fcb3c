// Somebody adds a passkey, renames it while another tab does, and removes it.
import assert from "node:assert/strict";
import { call, ok, tell } from "../../chromium.mjs";
import { answer, asks, field, isAtHeading, looksRight, press, said, signIn, visitAccount } from "../../console.mjs";
import { addAuthenticator } from "../../passkeys.mjs";

await tell(async ({ open, person }) => {
    const page = await visitAccount(open, "sign-in-methods", person);
    const authenticator = await addAuthenticator(page);
    await page.getByRole("heading", { name: "No passkey yet" }).waitFor();

    await authenticator.verify(false);
    await press(page, "Add a passkey");
    await asks(page, "Add a passkey", "a new passkey");
    await field(page, "Name of the passkey").fill("Laptop");
    await answer(page, "Continue");
    await page.getByText("No passkey was made.").waitFor();
    await looksRight(page, "no passkey was made");
    await authenticator.verify(true);
    await answer(page, "Continue");
    await said(page, "You can now sign in with the passkey “Laptop”.");
    await page.getByText("not used yet").waitFor();
    await looksRight(page, "a passkey");

    const elsewhere = await open();
    const { accessToken: token } = await signIn(elsewhere, person);
    const methods = async () => ok(await call(elsewhere, "GET", "/v1/auth/accounts", { token }), 200);
    const { id } = (await methods()).find(({ method }) => method === "passkey");
    const does = async (name, action) => {
        await page.getByRole("button", { name: `${name}: More actions` }).click();
        await page.locator(".menu-item").filter({ hasText: action, visible: true }).click();
    };
    await does("Laptop", "Rename");
    await asks(page, "Rename the passkey");
    ok(await call(elsewhere, "PATCH", `/v1/auth/passkeys/${id}`, { token, body: { name: "Old laptop" } }), 200);
    await field(page, "Name of the passkey").fill("Desk");
    await answer(page, "Save");
    await asks(page, "Somebody else changed this", "two names of a passkey");
    await page.getByRole("dialog").last().getByText("Old laptop").waitFor();
    await answer(page, "Save your version");
    await said(page, "Saved.");
    await page.getByText("Desk", { exact: true }).waitFor();

    await does("Desk", "Remove");
    await asks(page, "Remove the passkey “Desk”?", "the end of a passkey");
    await answer(page, "Remove");
    await isAtHeading(page);
    await said(page, "Desk removed. All other sessions have ended.");
    await page.getByRole("heading", { name: "No passkey yet" }).waitFor();
    assert.equal((await call(elsewhere, "GET", "/v1/auth/me", { token })).status, 401);
});
