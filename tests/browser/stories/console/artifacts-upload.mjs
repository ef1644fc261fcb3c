// A person uploads files, finds a passage in them, opens it, downloads the file and deletes it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { becomes, drop, file, foundPassage, give } from "../../artifacts.mjs";
import { tell } from "../../chromium.mjs";
import { answer, asks, choose, field, isAtHeading, looksRight, row, said, visitOrganization } from "../../console.mjs";

const NOTES = "# Notes\n\nThe Analytical Engine weaves algebraic patterns just as the Jacquard loom weaves flowers and leaves.\n";
const PRICES = "item,price\ncards,12\nlamps,300\n";

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    await page.getByRole("heading", { name: "Add your first document" }).waitFor();
    await looksRight(page, "no artifacts");

    // By the keyboard, several at once. What cannot be read is refused at once.
    await page.getByRole("button", { name: "Upload files" }).first().focus();
    const files = [file("notes.md", NOTES, ""), file("prices.csv", PRICES, "application/vnd.ms-excel"), file("engine.exe", "MZ", "application/x-msdownload"), file("empty.txt", "")];
    const chooser = await give(page, () => page.keyboard.press("Enter"), files);
    assert.ok(chooser.isMultiple());
    await page.getByText("Files of this type cannot be read.").waitFor();
    await page.getByText("The file is empty.").waitFor();
    await said(page, "2 files uploaded.");
    await looksRight(page, "refused files");
    await page.getByRole("button", { name: "Remove all that failed" }).click();
    await page.getByRole("heading", { name: "Uploads" }).waitFor({ state: "detached" });
    await isAtHeading(page);
    await becomes(page, "notes.md", "Ready");
    await becomes(page, "prices.csv", "Ready");
    await row(page, "notes.md").getByText("Markdown", { exact: true }).waitFor();
    await looksRight(page, "artifacts");

    // By drag and drop.
    await drop(page, [file("letter.txt", "Dear Charles, the cards have arrived.")]);
    await becomes(page, "letter.txt", "Ready");
    await page.reload();
    await row(page, "letter.txt").waitFor();
    assert.equal(await page.getByRole("row").count(), 4, "the head, and three rows");

    // Results come while one types; Enter searches by meaning too.
    await page.getByRole("link", { name: "Search", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Search" }).waitFor();
    assert.ok(await field(page, "Search for").evaluate((element) => element === document.activeElement));
    await looksRight(page, "search");
    await page.keyboard.type("jacquard");
    const result = page.getByRole("listitem").filter({ hasText: "notes.md" });
    await result.locator("mark").getByText("Jacquard", { exact: true }).waitFor();
    assert.equal(await page.locator(".result").count(), 1);
    assert.ok(await page.getByRole("radio", { name: "Words", exact: true }).isChecked());
    assert.equal(new URL(page.url()).search, "?q=jacquard");
    await page.keyboard.press("Enter");
    await result.getByText(/found by words/).waitFor();
    assert.ok(await page.getByRole("radio", { name: "Words and meaning" }).isChecked());
    assert.equal(new URL(page.url()).search, "?q=jacquard&mode=hybrid");
    await looksRight(page, "results");

    await result.getByRole("link", { name: "notes.md" }).click();
    await page.getByRole("heading", { level: 1, name: "notes.md" }).waitFor();
    const passage = await foundPassage(page);
    assert.deepEqual(await passage.locator("mark").allTextContents(), ["Jacquard"]);
    await page.getByRole("heading", { level: 3, name: "Notes" }).waitFor();
    await looksRight(page, "a passage");

    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "notes.md");
    assert.equal(await readFile(await download.path(), "utf8"), NOTES);

    await page.getByRole("link", { name: "Search in it" }).click();
    await page.getByText("Only in “notes.md”").waitFor();
    await field(page, "Search for").fill("lamps");
    await page.getByRole("heading", { name: "Nothing found for “lamps”" }).waitFor();
    await looksRight(page, "nothing found");
    await page.getByRole("button", { name: "Search in all artifacts" }).click();
    await page.getByRole("listitem").filter({ hasText: "prices.csv" }).waitFor();

    await page.getByRole("link", { name: "Artifacts", exact: true }).click();
    await choose(page, "letter.txt", "Delete");
    await asks(page, "Delete “letter.txt”?");
    await answer(page, "Cancel");
    await choose(page, "letter.txt", "Delete");
    await answer(page, "Delete");
    await row(page, "letter.txt").waitFor({ state: "detached" });
    await isAtHeading(page);
    await said(page, "“letter.txt” is deleted.");
});
