// An owner sees what the organization uses: tokens by day and by model, the budget and the storage.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { looksRight, row, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, empty }) => {
    const page = await visitOrganization(open, organization, "usage", person);
    const card = (name) => page.getByRole("region", { name });
    await card("Tokens this month").getByText("180,000,000", { exact: true }).waitFor();
    await card("Tokens this month").getByText("of 200,000,000 tokens: 90%").waitFor();
    await card("Tokens this month").getByText("Nearly used up").waitFor();
    await card("Storage").getByText("in 2 artifacts").waitFor();
    await card("Storage").getByRole("progressbar", { name: "Text" }).waitFor();
    await card("Tokens by day").getByText("11,150 tokens", { exact: true }).waitFor();
    await row(page, "gpt-4.1-mini").getByText("10,000", { exact: true }).waitFor();
    await row(page, "gpt-4.1-mini").getByText("1.50", { exact: true }).waitFor();
    await looksRight(page, "usage");

    // The chart is a table for those who do not see it: a row a day, and its head.
    const days = page.getByRole("table", { name: "Tokens by day" }).getByRole("row");
    assert.equal(await days.count(), 31);
    await page.getByRole("combobox", { name: "Period" }).selectOption({ label: "Last 7 days" });
    await card("Tokens by day").getByText("7,850 tokens", { exact: true }).waitFor();
    assert.equal(await days.count(), 8);

    const nothing = await visitOrganization(open, empty, "usage", person);
    await nothing.getByRole("heading", { name: "Nothing was used in this time" }).waitFor();
    await nothing.getByText("No files yet.").waitFor();
    await looksRight(nothing, "no usage");
});
