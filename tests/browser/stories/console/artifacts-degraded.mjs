// A person searches while the model does not answer: the page says what it did, and what is possible.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { field, looksRight, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "search", person);
    const degraded = page.getByText("This is a search by words only.");
    const result = page.locator(".result").first();

    await field(page, "Search for").fill("engine");
    await result.waitFor();
    assert.equal(await degraded.count(), 0, "words need no model");
    await page.keyboard.press("Enter");
    await degraded.waitFor();
    await result.waitFor();
    await looksRight(page, "a degraded search");

    await page.getByRole("radio", { name: "Meaning", exact: true }).check();
    await page.getByRole("alert").getByText("The search by meaning is not available for a moment.").waitFor();
    await page.getByRole("alert").getByText("Request").waitFor();
    await looksRight(page, "a failed search");
    await page.getByRole("button", { name: "Search by words" }).click();
    await degraded.waitFor({ state: "detached" });
    await result.waitFor();
});
