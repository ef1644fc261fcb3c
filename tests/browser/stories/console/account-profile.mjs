// Somebody changes the profile, the password and the address. The new address waits for its link.
import assert from "node:assert/strict";
import { call, ok, tell } from "../../chromium.mjs";
import { answer, asks, field, looksRight, press, said, signIn, visitAccount } from "../../console.mjs";

await tell(async ({ open, person, newPassword, newEmail }) => {
    const page = await visitAccount(open, "profile", person);
    await field(page, "Name").waitFor();
    await page.getByText("Confirmed", { exact: true }).waitFor();
    await looksRight(page, "profile");

    // Wrong fields: one that the page finds, and one that the API finds.
    await field(page, "Name").fill("");
    await press(page, "Save");
    await page.getByText("Fill in this field.").waitFor();
    assert.ok(await field(page, "Name").evaluate((name) => name === document.activeElement), "the focus is at the wrong field");
    await field(page, "Name").fill("Ada Byron");
    await page.getByLabel("Phone number").fill("12");
    await press(page, "Save");
    await page.getByText("A phone number looks like +442071838750").waitFor();
    await looksRight(page, "a wrong phone number");
    await page.getByLabel("Phone number").fill("+44 20 7183 8750");
    await press(page, "Save");
    await said(page, "Saved.");
    await page.getByRole("button", { name: "Ada Byron" }).waitFor();

    // Two tabs change it.
    const elsewhere = await open();
    const { accessToken: token } = await signIn(elsewhere, person);
    ok(await call(elsewhere, "PATCH", "/v1/auth/me", { token, body: { name: "Countess of Lovelace" } }), 200);
    await field(page, "Name").fill("Augusta Ada");
    await press(page, "Save");
    await asks(page, "Somebody else changed this");
    await page.getByRole("dialog").getByText("Countess of Lovelace").waitFor();
    await answer(page, "Save your version");
    await said(page, "Saved.");
    const { name, phone } = ok(await call(elsewhere, "GET", "/v1/auth/me", { token }), 200);
    assert.deepEqual([name, phone], ["Augusta Ada", "+442071838750"]);

    // The password.
    await press(page, "Change the password");
    await asks(page, "Change the password", "a new password");
    await field(page, "Current password").fill("not the password");
    await field(page, "New password").fill("short");
    await answer(page, "Change the password");
    await page.getByText("Use at least 8 characters.").waitFor();
    await field(page, "New password").fill(newPassword);
    await answer(page, "Change the password");
    await page.getByText("This is not your current password.").waitFor();
    await looksRight(page, "a wrong password");
    await field(page, "Current password").fill(person.password);
    await answer(page, "Change the password");
    await said(page, "Your password is changed.");

    // The address. It stays until the link is opened.
    await press(page, "Change the address");
    await asks(page, "Change the address", "a new address");
    await field(page, "New e-mail address").fill("countess");
    await field(page, "Current password").fill(newPassword);
    await answer(page, "Send the link");
    await page.getByText("Enter an e-mail address such as").waitFor();
    await field(page, "New e-mail address").fill(newEmail);
    await answer(page, "Send the link");
    await said(page, `A link is on its way to ${newEmail}`);
    await page.getByText("Open it within 24 hours").waitFor();
    await looksRight(page, "a new address that waits");
    await page.reload();
    await page.getByText(`A link is on its way to ${newEmail}`).waitFor();
    await page.getByRole("main").getByText(person.email).first().waitFor();
});
