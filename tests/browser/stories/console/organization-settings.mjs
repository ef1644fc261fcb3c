// An owner changes the profile of an organization while somebody else does, deletes it, and restores it.
import assert from "node:assert/strict";
import { callWithoutBrowser, ok, tell } from "../../chromium.mjs";
import { answer, asks, field, looksRight, press, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, taken }) => {
    const page = await visitOrganization(open, organization, "settings", person);
    const login = { email: person.email, password: person.password };
    const { accessToken: token } = ok(await callWithoutBrowser("POST", "/v1/auth/login", { body: login }), 201);
    const show = async () => ok(await callWithoutBrowser("GET", organization, { token }), 200);
    const bills = field(page, "Address for bills optional");

    await field(page, "Name").waitFor();
    await looksRight(page, "settings");
    await field(page, "Short name").fill("Not A Short Name");
    await press(page, "Save");
    await page.getByText("Use lower-case letters, digits and hyphens, with").waitFor();
    await field(page, "Short name").fill(taken);
    await press(page, "Save");
    await page.getByText("Another organization has this short name.").waitFor();
    await looksRight(page, "a short name that is taken");
    await field(page, "Short name").fill("looms");
    await field(page, "Name").fill("Looms");
    await bills.fill("bills@example.com");
    await press(page, "Save");
    await said(page, "Saved.");
    await page.getByRole("button", { name: "Looms: Switch the organization" }).waitFor();

    ok(await callWithoutBrowser("PATCH", organization, { body: { name: "Their looms" }, token }), 200);
    await field(page, "Name").fill("My looms");
    await press(page, "Save");
    await asks(page, "Somebody else changed this");
    await page.getByRole("dialog").getByText("Their looms").waitFor();
    await answer(page, "Keep the saved version");
    await page.waitForFunction(() => document.querySelector("[name=name]").value === "Their looms");
    await field(page, "Name").fill("My looms");
    ok(await callWithoutBrowser("PATCH", organization, { body: { name: "Their other looms" }, token }), 200);
    await press(page, "Save");
    await page.getByRole("dialog", { name: "Somebody else changed this" }).waitFor();
    await answer(page, "Save your version");
    await said(page, "Saved.");
    const { name, slug, billingEmail } = await show();
    assert.deepEqual({ name, slug, billingEmail }, { name: "My looms", slug: "looms", billingEmail: "bills@example.com" });
    await bills.fill("");
    await press(page, "Save");
    await said(page, "Saved.");
    assert.equal((await show()).billingEmail, null);

    // The session has shown the password only.
    await press(page, "Require a second factor");
    await page.getByText("You would lock yourself out.").waitFor();
    await looksRight(page, "an owner without a second factor");

    await press(page, "Delete the organization");
    await asks(page, "Delete “My looms”?");
    await answer(page, "Delete the organization");
    await page.getByRole("dialog").locator(".field-error").waitFor();
    await page.getByRole("dialog").getByRole("textbox").fill("My looms");
    await answer(page, "Delete the organization");
    await page.waitForURL((url) => url.pathname === "/");
    await page.locator(".toast").filter({ hasText: "“My looms” is deleted." }).getByRole("button", { name: "Undo" }).click();
    await page.waitForURL((url) => url.pathname.endsWith("/settings"));
    await said(page, "“My looms” is back, with everything in it.");
    await field(page, "Name").waitFor();
    await show();
});
