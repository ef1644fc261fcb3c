// Artifacts that failed say why. One is processed again. `stopped` may succeed at another attempt.
import assert from "node:assert/strict";
import { becomes, file, give } from "../../artifacts.mjs";
import { tell } from "../../chromium.mjs";
import { isAtHeading, looksRight, row, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person, stopped }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    const upload = page.getByRole("button", { name: "Upload files" }).first();
    await give(page, () => upload.click(), [file("broken.pdf", "%PDF-1.7 and nothing else", "application/pdf")]);
    await becomes(page, "broken.pdf", "Failed");
    await said(page, "“broken.pdf” could not be processed.");
    const broken = row(page, "broken.pdf");
    await broken.getByText("The file is damaged, or is not what its name says.").waitFor();
    assert.equal(await broken.getByRole("button", { name: /Try again/ }).count(), 0);
    await row(page, stopped).getByText("The work stopped before its end. Try again.").waitFor();
    await looksRight(page, "failed artifacts");

    await page.getByRole("link", { name: "broken.pdf" }).click();
    await page.getByRole("heading", { name: "There is no text" }).waitFor();
    await looksRight(page, "a failed artifact");
    await page.goBack();

    await row(page, stopped).getByRole("button", { name: /Try again/ }).click();
    await isAtHeading(page);
    await said(page, "The artifact is processed again.");
    await becomes(page, stopped, "Ready");
    await said(page, `“${stopped}” is ready to be searched.`);
});
