// An administrator does to an account what the page offers. It says what follows before, and what it did after.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { accessible } from "../../axe.mjs";
import { call, ok, tell } from "../../chromium.mjs";
import { fitsInto, press, said, signIn, visit } from "../../console.mjs";

await tell(async ({ open, person, user, taken }) => {
    const path = `/v1/users/${user.id}`;
    const page = await visit(open, `/administration/users/${user.id}`, { person, options: { colorScheme: "dark" } });
    const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    const state = (text) => page.locator(".page-header .badge").getByText(text, { exact: true });
    const dialog = page.getByRole("dialog");
    // Opens a dialog, reads what follows, and answers it.
    const does = async (name, follows, action) => {
        await press(page, name);
        await dialog.getByText(follows).waitFor();
        await dialog.getByRole("button", { name: action ?? name, exact: true }).click();
    };
    await heading(user.name);
    await accessible(page, "user");
    await fitsInto(page, 320);
    await accessible(page, "user on a phone");
    await page.setViewportSize({ width: 1280, height: 800 });

    // The profile, with a wrong field.
    await page.getByLabel("Phone").fill("12");
    await page.getByLabel("Name").fill("Ada Byron");
    await press(page, "Save profile");
    await page.getByText("Begin with + and the country, then digits only.").waitFor();
    await accessible(page, "a wrong field");
    await page.getByLabel("Phone").fill("+442071838750");
    await press(page, "Save profile");
    await said(page, "The profile is saved.");
    await heading("Ada Byron");

    // Two administrators change it.
    const elsewhere = await open();
    const { accessToken: token } = await signIn(elsewhere, person);
    const change = async (body) => ok(await call(elsewhere, "PATCH", path, { token, body }), 200);
    await change({ name: "Countess of Lovelace" });
    await page.getByLabel("Name").fill("Augusta Ada");
    await press(page, "Save profile");
    await dialog.getByText("Countess of Lovelace").waitFor();
    await accessible(page, "two versions");
    await dialog.getByRole("button", { name: "Save your version" }).click();
    await said(page, "The profile is saved.");
    await heading("Augusta Ada");

    // Suspension.
    await press(page, "Suspend");
    await dialog.getByRole("button", { name: "Suspend" }).click();
    await dialog.getByText("Fill in this field.").waitFor();
    await accessible(page, "without a reason");
    await dialog.getByLabel("Reason").fill("Somebody else signed in.");
    await dialog.getByRole("button", { name: "Suspend" }).click();
    await said(page, "Augusta Ada is suspended, and signed out everywhere.");
    await state("Suspended").waitFor();
    await page.getByText("Reason: Somebody else signed in.").waitFor();
    await accessible(page, "suspended");

    // The account was taken over: it goes back to its owner.
    await press(page, "Give back to its owner");
    await dialog.getByLabel("New address").fill(taken);
    await dialog.getByRole("button", { name: "Give back" }).click();
    await dialog.getByText("Another account has this address.").waitFor();
    await accessible(page, "an address that is taken");
    await dialog.getByLabel("New address").fill("countess@example.com");
    await dialog.getByRole("button", { name: "Give back" }).click();
    await said(page, "A link was mailed to countess@example.com. Lift the suspension now, so that it works.");
    await state("Address not confirmed").waitFor();
    await does("Lift suspension", "Augusta Ada can sign in again");
    await said(page, "Augusta Ada can sign in again.");
    await state("Active").waitFor();

    await does("Appoint as administrator", "can see, suspend, delete and erase all accounts", "Appoint");
    await said(page, "Augusta Ada is an administrator.");
    await state("Administrator").waitFor();
    await does("Dismiss as administrator", "cannot see or change other accounts any more", "Dismiss");
    await said(page, "Augusta Ada is not an administrator any more.");

    await does("Remove second factors", "first make sure that the person who asks is Augusta Ada");
    await said(page, "Augusta Ada can sign in without a second factor.");
    await does("End all sessions", "is signed out on every device at once");
    await said(page, "Augusta Ada is signed out everywhere.");

    // A legal hold keeps the account from erasure.
    await press(page, "Place legal hold");
    await dialog.getByLabel("Reason").fill("Case 12/34");
    await dialog.getByRole("button", { name: "Place hold" }).click();
    await said(page, "Augusta Ada is under a legal hold.");
    await page.getByText("Not possible under a legal hold.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Erase account" }).count(), 0);
    await does("Lift legal hold", "may be erased again", "Lift hold");
    await said(page, "The legal hold on Augusta Ada is lifted.");

    const downloading = page.waitForEvent("download");
    await press(page, "Export data");
    const download = await downloading;
    assert.equal(download.suggestedFilename(), `user-${user.id}.json`);
    assert.equal(JSON.parse(await readFile(await download.path(), "utf8")).userId, user.id);
    await said(page, "The data about Augusta Ada is downloaded.");

    // What another administrator changed in the time between is shown first.
    await press(page, "Delete account");
    await change({ name: "Ada Lovelace" });
    await dialog.getByRole("button", { name: "Delete account" }).click();
    await dialog.getByText("Somebody changed this account after you opened it.").waitFor();
    await accessible(page, "a stale version");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await heading("Ada Lovelace");
    await does("Delete account", "You can restore the account for 30 days.");
    await said(page, "The account of Ada Lovelace is deleted.");
    await state("Deleted").waitFor();
    await accessible(page, "deleted");
    await does("Restore account", "Other organizations must invite Ada Lovelace again.");
    await said(page, "The account of Ada Lovelace is restored.");

    await press(page, "Erase account");
    await dialog.getByLabel("Type “countess@example.com” to confirm").fill("ada@example.com");
    await dialog.getByRole("button", { name: "Erase for ever" }).click();
    await dialog.locator(".field-error").waitFor();
    await accessible(page, "another address was typed");
    await dialog.getByLabel("Type “countess@example.com” to confirm").fill("countess@example.com");
    await dialog.getByRole("button", { name: "Erase for ever" }).click();
    await said(page, "The account is erased.");
    await state("Erased").waitFor();
    assert.equal(await page.getByRole("main").getByRole("button").count(), 0, "nothing can be done to it any more");
    await accessible(page, "erased");
});
