// An owner finds members, changes roles and removes a member. `bob` has a second factor. Then a member looks around, and leaves.
import assert from "node:assert/strict";
import { callWithoutBrowser, ok, tell } from "../../chromium.mjs";
import { answer, asks, choose, isAtHeading, loaded, looksRight, row, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, ada, bob, cy, dora }) => {
    const page = await visitOrganization(open, organization, "members", ada.person);
    const names = async () => {
        await loaded(page);
        const rows = await page.getByRole("row").locator(".person .strong").allInnerTexts();
        return rows.sort();
    };
    const only = (role) => page.getByRole("combobox", { name: "Role" }).selectOption({ label: role });
    const factor = (choice) => page.getByRole("combobox", { name: "Second factor" }).selectOption({ label: choice });

    await row(page, ada.person.email).getByText("You", { exact: true }).waitFor();
    assert.deepEqual(await names(), ["Ada", "Bob", "Cy", "Dora"]);
    await row(page, bob.email).getByText("On", { exact: true }).waitFor();
    await row(page, cy.email).getByText("Missing", { exact: true }).waitFor();
    await looksRight(page, "members");

    // The filter is in the address.
    await factor("With a second factor");
    await row(page, cy.email).waitFor({ state: "detached" });
    assert.deepEqual(await names(), ["Bob"]);
    await page.reload();
    await row(page, bob.email).waitFor();
    assert.deepEqual(await names(), ["Bob"]);
    await only("Owner");
    await page.getByRole("heading", { name: "No members like this" }).waitFor();
    await looksRight(page, "no members");
    await page.getByRole("link", { name: "Show all" }).click();
    await row(page, cy.email).waitFor();
    assert.equal(new URL(page.url()).search, "");

    await choose(page, "Cy", "Change the role");
    await asks(page, "Role of Cy");
    await page.getByRole("radio", { name: "Administrator" }).check();
    await answer(page, "Save");
    await said(page, "Cy has the role “Administrator” now.");
    await row(page, cy.email).getByText("Administrator", { exact: true }).waitFor();

    // Two people change one role.
    const { accessToken } = ok(await callWithoutBrowser("POST", "/v1/auth/login", { body: { email: ada.person.email, password: ada.person.password } }), 201);
    await choose(page, "Bob", "Change the role");
    await page.getByRole("radio", { name: "Owner" }).check();
    ok(await callWithoutBrowser("PATCH", `${organization}/members/${bob.id}`, { body: { role: "admin" }, token: accessToken }), 200);
    await answer(page, "Save");
    await asks(page, "Somebody else changed this");
    await answer(page, "Keep the saved version");
    await page.getByRole("radio", { name: "Administrator", checked: true }).waitFor();
    await page.getByRole("radio", { name: "Owner" }).check();
    await answer(page, "Save");
    await said(page, "Bob has the role “Owner” now.");

    await choose(page, "Cy", "Remove");
    await asks(page, "Remove Cy?");
    await answer(page, "Remove");
    await isAtHeading(page);
    await said(page, "Cy is not a member any more.");
    await row(page, cy.email).waitFor({ state: "detached" });

    // What a role may not do is not offered.
    const members = await visitOrganization(open, organization, "members", dora.person);
    await row(members, ada.person.email).waitFor();
    await members.getByRole("button", { name: "Actions for Dora", exact: true }).waitFor();
    assert.equal(await members.getByRole("button", { name: "Invite a member" }).count(), 0);
    assert.equal(await members.getByRole("combobox", { name: "Second factor" }).count(), 0);
    assert.deepEqual(await members.getByRole("button", { name: /^Actions for/ }).evaluateAll((all) => all.map((one) => one.ariaLabel)), ["Actions for Dora"]);
    await looksRight(members, "members for a member");
    await choose(members, "Dora", "Leave");
    await asks(members, "Leave this organization?");
    await answer(members, "Leave");
    await members.waitForURL((url) => url.pathname === "/");
    await said(members, "You have left the organization.");
});
