// An owner creates an API key, uses it, changes it, gives it another secret and revokes it.
import assert from "node:assert/strict";
import { callWithoutBrowser, ok, refused, tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, choose, field, isAtHeading, looksRight, press, row, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "api-keys", person);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: CONSOLE });
    const use = (path, token) => callWithoutBrowser("GET", `${organization}${path}`, { token });
    const secret = async () => {
        await page.getByRole("dialog").getByRole("button", { name: "Copy API key" }).click();
        return page.evaluate(() => navigator.clipboard.readText());
    };

    await page.getByRole("heading", { name: "No API keys yet" }).waitFor();
    await looksRight(page, "no API keys");
    await page.locator(".empty").getByRole("button", { name: "Create a key" }).click();
    await asks(page, "Create a key");
    await answer(page, "Create a key");
    await page.getByText("Fill in this field.").waitFor();
    await page.getByText("Choose at least one permission.").waitFor();
    await looksRight(page, "a key without a name");
    await field(page, "Name").fill("Nightly import");
    await answer(page, "Read only");
    await page.getByText("Choose at least one permission.").waitFor({ state: "detached" });
    await answer(page, "None");
    await page.getByRole("checkbox", { name: "Read and search artifacts" }).check();
    await field(page, "Valid").selectOption({ label: "For ever" });
    await page.getByText("Prefer a year.").waitFor();
    await field(page, "Valid").selectOption({ label: "Until a day of your choice" });
    await field(page, "Last day").fill("2020-01-01");
    await answer(page, "Create a key");
    await page.getByText("Choose today or a later day.").waitFor();
    await field(page, "Last day").fill("2099-12-31");
    await answer(page, "Create a key");

    await asks(page, "The key “Nightly import”");
    const first = await secret();
    assert.match(first, /^ak_[0-9a-f]{32}_[a-z0-9]+$/);
    // Nobody loses a secret by one key.
    await page.keyboard.press("Escape");
    await page.getByText("The key cannot be shown again.").waitFor();
    await looksRight(page, "a secret that is not stored yet");
    await answer(page, "I have stored it");
    await row(page, "Nightly import").getByText("artifacts:read").waitFor();
    await row(page, "Nightly import").getByText("Dec 31, 2099").waitFor();
    await row(page, "Nightly import").getByText(`by ${person.name}`).waitFor();
    assert.ok(!(await page.content()).includes(first), "the secret is gone from the page");
    ok(await use("/artifacts", first), 200);
    refused(await use("/members", first), 403, "scope-needed");

    await choose(page, "Nightly import", "Name and permissions");
    await asks(page, "Change “Nightly import”");
    await field(page, "Name").fill("Reports");
    await page.getByRole("checkbox", { name: "Read the members" }).check();
    await answer(page, "Save");
    await said(page, "Saved.");
    await row(page, "Reports").getByText("members:read").waitFor();
    ok(await use("/members", first), 200);

    await choose(page, "Reports", "New secret");
    await asks(page, "A new secret for “Reports”");
    await page.getByRole("radio", { name: "Not at all" }).check();
    await answer(page, "New secret");
    await page.getByRole("dialog", { name: "The key “Reports”" }).waitFor();
    const second = await secret();
    await answer(page, "I have stored it");
    refused(await use("/artifacts", first), 401, "unauthenticated");
    ok(await use("/artifacts", second), 200);

    await choose(page, "Reports", "Limit of requests");
    await page.getByText("100,000 requests in a minute").waitFor();
    await page.getByText("Another limit is set by an administrator of the system.").waitFor();
    await asks(page, "Limit of requests of “Reports”");
    await page.keyboard.press("Escape");
    await looksRight(page, "API keys");

    await choose(page, "Reports", "Revoke");
    await asks(page, "Revoke “Reports”?");
    await answer(page, "Revoke");
    await isAtHeading(page);
    await said(page, "“Reports” is revoked.");
    await page.getByRole("heading", { name: "No API keys yet" }).waitFor();
    refused(await use("/artifacts", second), 401, "unauthenticated");
});
