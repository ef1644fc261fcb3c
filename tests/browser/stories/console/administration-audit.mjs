// An administrator reads the audit log of everything.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { fitsInto, visit } from "../../console.mjs";

const PATH = "/administration/audit";
const DAY = 86_400_000;

await tell(async ({ open, person, user, reason }) => {
    const page = await visit(open, PATH, { person });
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    const event = (text) => events.filter({ hasText: text });
    const show = () => page.getByRole("button", { name: "Show", exact: true }).click();
    const search = async (expected) => {
        await page.waitForURL((url) => [...expected].every(([name, value]) => url.searchParams.get(name) === value));
        await page.waitForLoadState("networkidle");
    };
    const suspension = event("Account suspended");
    await suspension.getByText(`by ${person.name} · about ${user.name} · suspended: yes`).waitFor();
    await event("Sign-in refused").getByText(`by somebody who is not signed in · about ${user.name}`).waitFor();
    await accessible(page, "audit log");

    // In pages.
    const first = await events.count();
    await page.getByRole("button", { name: "Load more" }).click();
    await events.nth(first).waitFor();
    assert.ok((await events.count()) > first);

    // The details, without the reason: no text of a person is in the log.
    await suspension.locator("summary").click();
    await suspension.getByText("user.suspended").waitFor();
    await suspension.getByText(user.id).waitFor();
    await suspension.getByText("Source address").waitFor();
    assert.equal(await page.getByText(reason).count(), 0);
    await accessible(page, "details of an event");
    await fitsInto(page, 320);
    await accessible(page, "audit log on a phone");
    await page.setViewportSize({ width: 1280, height: 800 });

    await suspension.getByRole("link", { name: "Show only what they caused" }).click();
    await search([["actorId", person.id]]);
    await page.locator(".field-hint").filter({ hasText: person.name }).waitFor();
    await event("Sign-in refused").first().waitFor({ state: "detached" });

    await page.getByRole("combobox", { name: "Action" }).selectOption({ label: "Account suspended" });
    await show();
    await search([["action", "user.suspended"], ["actorId", person.id]]);
    await events.nth(1).waitFor({ state: "detached" });
    await events.first().waitFor();
    assert.equal(await events.count(), 1);
    await page.goBack();
    await search([["action", null], ["actorId", person.id]]);
    assert.equal(await page.getByRole("combobox", { name: "Action" }).inputValue(), "");
    await page.getByRole("link", { name: "Clear" }).click();
    await search([["actorId", null]]);

    // By address; it does not get into the address of the page.
    const about = page.getByLabel("About");
    await about.fill("ada");
    await show();
    await page.getByText("Enter an e-mail address or an id.").waitFor();
    await about.fill("nobody@example.com");
    await show();
    await page.getByText("There is nobody with this address.").waitFor();
    await accessible(page, "a person who is not found");
    await about.fill(user.email);
    await show();
    await search([["targetId", user.id]]);
    await event("Account suspended").waitFor();
    assert.ok(!page.url().includes("@"));

    const inDays = (days) => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);
    await page.getByLabel("From").fill(inDays(3));
    await page.getByLabel("Until").fill(inDays(2));
    await show();
    await page.getByText("This is before the first day.").waitFor();
    await page.getByLabel("Until").fill(inDays(4));
    await show();
    await page.getByRole("heading", { name: "No events match" }).waitFor();
    await accessible(page, "no events");
    await page.getByRole("link", { name: "Show all events" }).click();
    await events.first().waitFor();

    // From a user to the events about them, and back.
    await event("Account suspended").locator("summary").click();
    await event("Account suspended").getByRole("link", { name: user.name }).click();
    await page.getByRole("heading", { level: 1, name: user.name }).waitFor();
    await page.getByRole("link", { name: "Events about this person" }).click();
    await search([["targetId", user.id]]);
    await event("Account suspended").waitFor();
});
