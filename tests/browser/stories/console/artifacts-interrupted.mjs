// Uploads that a person cancels, that the network interrupts, that are there already, and one that comes late. `late` is the artifact that waits for a file.
import assert from "node:assert/strict";
import { becomes, file, give } from "../../artifacts.mjs";
import { tell } from "../../chromium.mjs";
import { answer, isAtHeading, looksRight, row, visitOrganization } from "../../console.mjs";

const isUpload = (url) => url.pathname.includes("/uploads/");

await tell(async ({ open, organization, person, late }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    const button = (name) => page.getByRole("button", { name, exact: true });
    const upload = (name, text) => give(page, () => button("Upload files").first().click(), [file(name, text)]);
    const isOver = () => page.getByRole("heading", { name: "Uploads" }).waitFor({ state: "detached" });
    await row(page, late.name).getByText("The file did not arrive within an hour.").waitFor();

    // Cancelled: the artifact would wait for its file, so it is deleted.
    let sent = 0;
    await page.route(isUpload, () => {
        sent += 1;
    });
    await upload("cancelled.txt", "This is not sent to the end.");
    await page.getByText(/^\d+ bytes of 28 bytes$/).waitFor();
    await looksRight(page, "an upload");
    assert.equal(sent, 1);
    const deletion = page.waitForResponse((response) => response.request().method() === "DELETE");
    await button("Cancel the upload of cancelled.txt").click();
    assert.equal((await deletion).status(), 204);
    await isOver();
    await isAtHeading(page);

    // Interrupted.
    await page.unroute(isUpload);
    await page.route(isUpload, (route) => route.abort("connectionfailed"));
    await upload("interrupted.txt", "This is sent at the second attempt.");
    await page.getByText("The service cannot be reached.").waitFor();
    await looksRight(page, "an interrupted upload");
    await page.unroute(isUpload);
    await button("Try again").click();
    await becomes(page, "interrupted.txt", "Ready");
    assert.equal(await row(page, "interrupted.txt").count(), 1, "no second artifact");
    await isOver();

    // There already.
    await upload("same.txt", "This is sent at the second attempt.");
    await page.getByText("The same content is here already.").waitFor();
    await looksRight(page, "the same content");
    const there = await page.getByRole("link", { name: "Show it" }).getAttribute("href");
    assert.equal(there, await page.getByRole("link", { name: "interrupted.txt" }).getAttribute("href"));
    await button("Upload anyway").click();
    await becomes(page, "same.txt", "Ready");

    // Late: only the file that was announced is taken.
    await page.getByRole("link", { name: late.name }).click();
    await page.getByRole("heading", { name: "There is no file yet" }).waitFor();
    await looksRight(page, "no file");
    const again = (text) => give(page, () => page.getByRole("main").getByRole("button", { name: "Upload the file", exact: true }).click(), [file("any name.txt", text)]);
    await again("else");
    await page.getByText("This is not the file that was announced.").waitFor();
    await button(`Remove ${late.name} from this list`).click();
    await again(late.text);
    await page.getByText(late.text, { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByText("Ready", { exact: true }).waitFor();

    await button(`Actions for ${late.name}`).click();
    await button("Delete").click();
    await answer(page, "Delete");
    await page.getByRole("heading", { level: 1, name: "Artifacts" }).waitFor();
    await row(page, "same.txt").waitFor();
    assert.equal(await row(page, late.name).count(), 0);
});
