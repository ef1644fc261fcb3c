// An administrator invites people, sends an invitation again, and revokes one.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { answer, asks, choose, field, looksRight, press, row, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, member, invited, revoked }) => {
    const page = await visitOrganization(open, organization, "invitations", person);
    await page.getByRole("heading", { name: "No invitations yet" }).waitFor();
    await looksRight(page, "no invitations");

    await page.locator(".empty").getByRole("button", { name: "Invite a member" }).click();
    await asks(page, "Invite a member");
    // Nobody gives a role above their own.
    assert.deepEqual(await page.getByRole("radio").evaluateAll((all) => all.map((one) => one.value)), ["member", "admin"]);
    await answer(page, "Send the invitation");
    await page.getByText("Fill in this field.").waitFor();
    assert.ok(await field(page, "E-mail address").evaluate((element) => element === document.activeElement));
    await field(page, "E-mail address").fill("nobody");
    await answer(page, "Send the invitation");
    await page.getByText("Enter an e-mail address such as").waitFor();
    await field(page, "E-mail address").fill(member);
    await answer(page, "Send the invitation");
    await page.getByText("This person is already a member.").waitFor();
    await looksRight(page, "an invitation of a member");
    await field(page, "E-mail address").fill(invited);
    await page.getByRole("radio", { name: "Administrator" }).check();
    await answer(page, "Send the invitation");
    await said(page, `An invitation is on its way to ${invited}.`);
    await row(page, invited).getByText("Open", { exact: true }).waitFor();
    await row(page, invited).getByText("Administrator", { exact: true }).waitFor();
    await row(page, invited).getByText(person.name, { exact: true }).waitFor();

    await press(page, "Invite a member");
    await field(page, "E-mail address").fill(invited);
    await answer(page, "Send the invitation");
    await page.getByText("There is an open invitation to this address already.").waitFor();
    await field(page, "E-mail address").fill(revoked);
    await answer(page, "Send the invitation");
    await said(page, `An invitation is on its way to ${revoked}.`);

    await choose(page, revoked, "Revoke");
    await asks(page, "Revoke the invitation?");
    await answer(page, "Revoke");
    await said(page, `The invitation to ${revoked} is revoked.`);
    await row(page, revoked).getByText("Revoked", { exact: true }).waitFor();

    await choose(page, invited, "Send again");
    await asks(page, "Send again");
    await answer(page, "Send the invitation");
    await said(page, `An invitation is on its way to ${invited}.`);
    await row(page, invited).nth(1).waitFor();
    await looksRight(page, "invitations");

    const only = (status) => page.getByRole("combobox", { name: "State" }).selectOption({ label: status });
    await only("Open");
    await row(page, revoked).waitFor({ state: "detached" });
    await row(page, invited).waitFor();
    assert.equal(await row(page, invited).count(), 1);
    await only("Declined");
    await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
    await looksRight(page, "no invitations like this");
    await page.getByRole("link", { name: "Show all" }).click();
    await row(page, revoked).waitFor();
});
