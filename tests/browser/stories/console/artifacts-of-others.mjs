// A member looks at artifacts: they delete their own, and not those of others.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { row, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, own, other, addedBy }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    const actions = async (name) => {
        await page.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
        const found = await page.getByRole("group", { name: `Actions for ${name}`, exact: true }).locator(".menu-item").allInnerTexts();
        await page.keyboard.press("Escape");
        return found;
    };
    await row(page, own).waitFor();
    assert.ok((await actions(own)).includes("Delete"));
    assert.ok(!(await actions(other)).includes("Delete"));

    await page.getByRole("link", { name: other }).click();
    await page.getByRole("heading", { level: 1, name: other }).waitFor();
    await page.getByText(addedBy, { exact: true }).waitFor();
    assert.ok(!(await actions(other)).includes("Delete"));
});
