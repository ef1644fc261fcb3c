// An owner reads the audit log of an organization, filters it, and takes it along.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { tell } from "../../chromium.mjs";
import { CONSOLE, looksRight, press, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, bob, cy }) => {
    const page = await visitOrganization(open, organization, "audit", person);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: CONSOLE });
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    const event = (text) => events.filter({ hasText: text });

    await event("Role changed").getByText(`by ${person.name} · about ${bob.name} · role: from member to admin`).waitFor();
    await event("Member removed, or left").getByText("somebody who is not a member").waitFor();
    await event("Access denied").getByText(`by ${bob.name}`).waitFor();
    await looksRight(page, "audit log");
    await event("Role changed").locator("summary").click();
    await event("Role changed").getByText("member.updated").waitFor();
    await event("Role changed").getByText(bob.id).waitFor();
    await looksRight(page, "an event of an organization");

    const count = await events.count();
    await press(page, "Copy as JSON");
    await said(page, `${count} events are copied.`);
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(copied.length, count);
    assert.ok(copied.some(({ action, targetId }) => action === "member.updated" && targetId === bob.id));
    const downloading = page.waitForEvent("download");
    await press(page, "Download as JSON");
    const download = await downloading;
    assert.match(download.suggestedFilename(), /^audit-log-\d{4}-\d\d-\d\d\.json$/);
    assert.deepEqual(JSON.parse(await readFile(await download.path(), "utf8")), copied);

    await page.getByRole("combobox", { name: "Action" }).selectOption({ label: "Person invited" });
    await press(page, "Show");
    await page.waitForURL((url) => url.searchParams.get("action") === "invitation.created");
    await event("Role changed").waitFor({ state: "detached" });
    await event("Person invited").first().waitFor();
    assert.equal(await events.count(), await event("Person invited").count());
    await page.getByRole("link", { name: "Clear" }).click();
    await event("Role changed").waitFor();

    // By the address of a member; those of others are not found.
    const by = page.getByLabel("Caused by", { exact: true });
    await by.fill(cy.email);
    await press(page, "Show");
    await page.getByText("There is nobody with this address.").waitFor();
    await page.locator("[name=actorId]:focus").waitFor();
    await by.fill(bob.email);
    await press(page, "Show");
    await page.waitForURL((url) => url.searchParams.get("actorId") === bob.id);
    await event("Role changed").waitFor({ state: "detached" });
    await event("Access denied").waitFor();
});
