// A person pastes texts, labels, filters and edits them. The page asks for the status only while somebody sees it.
import assert from "node:assert/strict";
import { becomes } from "../../artifacts.mjs";
import { callWithoutBrowser, ok, tell } from "../../chromium.mjs";
import { answer, asks, choose, field, isAtHeading, looksRight, row, said, visitOrganization } from "../../console.mjs";

const TEXT = "The cards of the Jacquard loom are punched.";
// A longer text than a request can have.
const LONG = "Every card has its number. ".repeat(2_000);

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    const dialog = page.getByRole("dialog").last();
    const isClosed = () => page.getByRole("dialog").waitFor({ state: "detached" });
    const paste = async (name, text) => {
        await page.getByRole("button", { name: "Add a text" }).first().click();
        await dialog.getByLabel("Name", { exact: true }).fill(name);
        await dialog.getByLabel("Text", { exact: true }).fill(text);
    };

    await page.getByRole("button", { name: "Add a text" }).first().click();
    await asks(page, "Add a text");
    await answer(page, "Add");
    await dialog.getByText("Fill in this field.").first().waitFor();
    assert.ok(await dialog.getByLabel("Name", { exact: true }).evaluate((element) => element === document.activeElement));
    await looksRight(page, "an empty text");
    await answer(page, "Cancel");

    // With a label that is created on the way. Nobody sees the page, so it asks for nothing.
    await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    });
    let asked = 0;
    page.on("request", (request) => {
        if (request.method() === "GET" && request.url().includes("/artifacts?")) asked += 1;
    });
    await paste("Cards", TEXT);
    await dialog.getByPlaceholder("New label").fill("Looms");
    await page.keyboard.press("Enter");
    assert.ok(await dialog.getByRole("checkbox", { name: "Looms" }).isChecked());
    await answer(page, "Add");
    await said(page, "“Cards” is added.");
    await row(page, "Cards").getByRole("link", { name: "Looms" }).waitFor();
    // Longer than the shortest pause between two requests.
    await page.waitForTimeout(4_000);
    assert.equal(asked, 0);
    await page.evaluate(() => {
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await becomes(page, "Cards", "Ready");
    assert.ok(asked > 0);

    await paste("Twice", TEXT);
    await answer(page, "Add");
    await dialog.getByText("Another artifact has exactly this text.").waitFor();
    await looksRight(page, "the same text");
    await answer(page, "Add it anyway");
    await isClosed();
    await becomes(page, "Twice", "Ready");

    await paste("Numbers", LONG);
    await answer(page, "Add");
    await isClosed();
    await said(page, "1 file uploaded.");
    await becomes(page, "Numbers", "Ready");
    await row(page, "Numbers").getByText("54 kB", { exact: true }).waitFor();

    // The filters are in the address.
    await page.getByRole("combobox", { name: "Labels" }).selectOption({ label: "Looms" });
    await row(page, "Numbers").waitFor({ state: "detached" });
    await page.reload();
    await row(page, "Cards").waitFor();
    assert.equal(await page.getByRole("row").count(), 2, "the head, and one row");
    await page.getByRole("combobox", { name: "Status" }).selectOption({ label: "Failed" });
    await page.getByRole("heading", { name: "No artifact matches" }).waitFor();
    await looksRight(page, "no matches");
    await page.getByRole("button", { name: "Clear the filters" }).first().click();
    await row(page, "Numbers").waitFor();
    await field(page, "Name begins with…").pressSequentially("twi");
    await row(page, "Numbers").waitFor({ state: "detached" });
    await row(page, "Twice").waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).click();

    // Two people edit one artifact.
    const { accessToken: token } = ok(await callWithoutBrowser("POST", "/v1/auth/login", { body: { email: person.email, password: person.password } }), 201);
    const { data } = (await callWithoutBrowser("GET", `${organization}/artifacts?name=numbers`, { token })).body;
    await choose(page, "Numbers", "Edit");
    await dialog.getByLabel("Description").fill("All of them");
    await asks(page, "Edit the artifact");
    await dialog.getByRole("checkbox", { name: "Looms" }).check();
    ok(await callWithoutBrowser("PATCH", `${organization}/artifacts/${data[0].id}`, { body: { name: "Numbers of cards" }, token }), 200);
    await answer(page, "Save");
    await asks(page, "Somebody else changed this");
    await page.getByRole("cell", { name: "Numbers of cards" }).waitFor();
    await answer(page, "Save your version");
    await said(page, "Saved.");
    await row(page, "Numbers").getByText("All of them").waitFor();
    await row(page, "Numbers").getByRole("link", { name: "Looms" }).waitFor();
    await looksRight(page, "artifacts with labels");

    // Labels.
    const labels = page.getByRole("dialog", { name: "Labels" });
    await page.getByRole("button", { name: "Labels", exact: true }).click();
    await asks(page, "Labels");
    await labels.getByLabel("New label", { exact: true }).fill("looms");
    await page.keyboard.press("Enter");
    await labels.getByText("There is a label with this name already.").waitFor();
    await looksRight(page, "a label that exists");
    await labels.getByLabel("New label", { exact: true }).fill("Letters");
    await page.keyboard.press("Enter");
    await labels.getByRole("button", { name: "Rename Letters" }).waitFor();
    await labels.getByRole("button", { name: "Rename Looms" }).click();
    await asks(page, "Rename the label");
    await dialog.getByLabel("Name", { exact: true }).fill("Weaving");
    await answer(page, "Save");
    await labels.getByRole("button", { name: "Delete Letters" }).click();
    await asks(page, "Delete the label “Letters”?");
    await answer(page, "Delete");
    await labels.getByRole("button", { name: "Delete Letters" }).waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await isClosed();
    await row(page, "Numbers").getByRole("link", { name: "Weaving" }).click();
    await page.waitForURL(/label=/);
    await isAtHeading(page);
    await row(page, "Twice").waitFor({ state: "detached" });
    await row(page, "Numbers").waitFor();
    assert.equal(await page.getByRole("row").count(), 3, "the head, and two rows");
});
