// A person searches in a long text, follows results to their passages, and reads from there to both ends. `text` is the whole text.
import assert from "node:assert/strict";
import { foundPassage } from "../../artifacts.mjs";
import { tell } from "../../chromium.mjs";
import { field, loaded, looksRight, visitOrganization } from "../../console.mjs";

const withoutSpace = (text) => text.replace(/\s+/g, "");

await tell(async ({ open, organization, person, artifactId, text }) => {
    const page = await visitOrganization(open, organization, "search", person);
    const search = field(page, "Search for");
    const marks = () => page.locator(".result mark").allTextContents();

    // Only the last answer counts, also if an earlier one comes after it.
    const held = [];
    await page.route("**/search", (route) => {
        if (route.request().postDataJSON().query === "flowers") held.push(route);
        else void route.continue();
    });
    await search.pressSequentially("flowers");
    await page.waitForURL(/q=flowers/);
    await search.fill("patterns");
    await page.locator(".result").first().waitFor();
    // The request was cancelled.
    for (const route of held) await route.continue().catch(() => undefined);
    await page.waitForTimeout(500);
    assert.deepEqual([...new Set(await marks())], ["patterns"]);
    assert.equal(held.length, 1);
    await page.unroute("**/search");

    await page.getByText("20 passages in 1 artifact").waitFor();
    await page.getByRole("button", { name: "Show more results" }).click();
    await page.getByText(/^([3-4]\d|50) passages in 1 artifact$/).waitFor();

    // "Back" leads to the search before.
    await page.getByRole("radio", { name: "Meaning", exact: true }).check();
    await page.getByText(/similarity -?\d/).first().waitFor();
    await looksRight(page, "results by meaning");
    await page.goBack();
    await page.waitForFunction(() => !location.search.includes("mode="));
    assert.equal(await search.inputValue(), "patterns");
    await page.waitForFunction(() => document.querySelector("[name=mode][value=keyword]").checked);

    await search.fill('"Note 20"');
    const result = page.getByRole("listitem").filter({ hasText: "Note 20." });
    await result.first().waitFor();
    await result.first().getByRole("link").click();
    const passage = await foundPassage(page);
    assert.match(await passage.textContent(), /Note 20\./);
    await page.getByText("The passage that was found is marked.").waitFor();
    await looksRight(page, "a passage in the middle");

    // What is read stays at its place when more comes before it.
    const pieces = page.locator("[data-chunk]");
    const [first] = await pieces.evaluateAll((all) => all.map((piece) => piece.dataset.chunk));
    const place = () => page.locator(`[data-chunk="${first}"]`).evaluate((piece) => piece.getBoundingClientRect().top);
    const before = page.getByRole("button", { name: "Load what comes before" });
    await before.scrollIntoViewIfNeeded();
    const top = await place();
    await before.click();
    await page.waitForFunction((first) => document.querySelector("[data-chunk]").dataset.chunk !== first, first);
    assert.ok(Math.abs((await place()) - top) < 3, "the text has moved");

    for (const name of ["Load what comes before", "Load more of the text"]) {
        const button = page.getByRole("button", { name });
        while ((await button.count()) > 0) {
            const shown = await pieces.count();
            await button.click();
            await page.waitForFunction((shown) => document.querySelectorAll("[data-chunk]").length > shown, shown);
        }
    }
    await page.getByText("This is the end of the text.").waitFor();
    const all = await pieces.allTextContents();
    assert.equal(withoutSpace(all.join("")), withoutSpace(text), "nothing is missing or there twice");

    await page.goto(`${page.url().split("?")[0]}?chunk=${artifactId}`);
    await page.getByText("This passage is not there any more").waitFor();
    await loaded(page);
    await looksRight(page, "a passage that is gone");
    assert.equal(await pieces.first().getAttribute("data-chunk"), "0");
});
