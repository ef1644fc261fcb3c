// A plain member opens every page of an organization. Each says what others may do, and asks the API for nothing that is refused.
import assert from "node:assert/strict";
import { API, tell } from "../../chromium.mjs";
import { CONSOLE, loaded, looksRight, visitOrganization } from "../../console.mjs";

const PAGES = [
    ["invitations", "Owners and administrators invite people."],
    ["api-keys", "Owners and administrators manage API keys."],
    ["usage", "Owners and administrators see the usage."],
    ["audit", "Owners and administrators read the audit log."],
    ["settings", "Only owners can delete it."],
];

await tell(async ({ open, organization, personal, person }) => {
    const page = await visitOrganization(open, organization, "members", person);
    const refusals = [];
    page.on("response", (response) => {
        if (response.url().startsWith(API) && response.status() >= 400) refusals.push(`${response.status()} ${response.url()}`);
    });
    for (const [name, says] of PAGES) {
        await page.goto(`${CONSOLE}${organization.replace("/v1", "")}/${name}`);
        await page.getByText(says).waitFor();
        await loaded(page);
        assert.equal(await page.getByRole("main").getByRole("textbox").count(), 0, `${name} has no fields`);
        await looksRight(page, `${name} for a member`);
    }
    // Where one is alone, nobody is invited, and nothing is deleted.
    for (const [name, says] of [["members", "A personal organization has no other members."], ["invitations", "This is your personal organization"], ["settings", "A personal organization is deleted together with your account."]]) {
        await page.goto(`${CONSOLE}${personal.replace("/v1", "")}/${name}`);
        await page.getByText(says).first().waitFor();
        await loaded(page);
        assert.equal(await page.getByRole("button", { name: "Invite a member" }).count(), 0);
        await looksRight(page, `${name} of a personal organization`);
    }
    assert.deepEqual(refusals, []);
});
