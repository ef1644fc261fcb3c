// Names, labels, descriptions and texts that want to be more than text: nothing of them runs, loads or becomes an element.
import assert from "node:assert/strict";
import { becomes, file, foundPassage, give } from "../../artifacts.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE, choose, field, looksRight, row, visitOrganization } from "../../console.mjs";

const INSIDE = ":is(main, dialog) :is(script, iframe, object, embed, img, style, link, [action], [onload], [onerror], [onmouseover], [href^=javascript])";

await tell(async ({ open, organization, person, name, label, text, artifactId }) => {
    const page = await visitOrganization(open, organization, "artifacts", person);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => asked.push(`a dialog: ${dialog.message()}`));
    await page.addInitScript(() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
    });
    await page.reload();
    const isHarmless = async (state) => {
        await looksRight(page, state);
        const found = await page.evaluate((inside) => [window.ran ?? null, window.violations, [...document.querySelectorAll(inside)].map((element) => element.outerHTML)], INSIDE);
        assert.deepEqual(found, [null, [], []], state);
        assert.deepEqual(asked.filter((url) => /evil\.example\/|\/hostile-image|^a dialog/.test(url)), [], state);
    };
    const isText = (text) => page.getByText(text, { exact: true }).first().waitFor();

    await row(page, name).waitFor();
    await isText(name);
    await row(page, name).getByText(label, { exact: true }).waitFor();
    await isHarmless("a list of hostile names");
    await give(page, () => page.getByRole("button", { name: "Upload files" }).first().click(), [file("<b onmouseover=window.ran=1>.txt", "bold hostile")]);
    await becomes(page, "<b onmouseover=window.ran=1>.txt", "Ready");
    await give(page, () => page.getByRole("button", { name: "Upload files" }).first().click(), [file("<i>.exe", "x", "application/x-msdownload")]);
    await page.getByText("Files of this type cannot be read.").waitFor();
    await isHarmless("a hostile upload");

    for (const [action, title] of [["Edit", "Edit the artifact"], ["Delete", `Delete “${name}”?`]]) {
        await choose(page, name, action);
        await page.getByRole("dialog", { name: title, exact: true }).waitFor();
        await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).waitFor();
        await isHarmless(title);
        await page.keyboard.press("Escape");
    }
    await page.getByRole("button", { name: "Labels", exact: true }).click();
    await page.getByRole("button", { name: `Rename ${label}`, exact: true }).waitFor();
    await isHarmless("hostile labels");
    await page.keyboard.press("Escape");

    await row(page, name).getByRole("link", { name: label, exact: true }).click();
    await page.waitForURL(/label=/);
    await row(page, name).waitFor();

    const show = `${CONSOLE}${organization.replace("/v1", "")}`;
    for (const query of ["", `?chunk=${encodeURIComponent("<script>window.ran=1</script>")}&q=${encodeURIComponent(text)}`]) {
        await page.goto(`${show}/artifacts/${artifactId}${query}`);
        await page.getByText("<script>window.ran = 1</script>").first().waitFor();
        await isHarmless(`a hostile text${query}`);
    }

    await page.goto(`${show}/search?q=${encodeURIComponent("hostile <img src=hostile-image onerror=window.ran=1>")}&mode=hybrid`);
    await page.locator(".result").first().waitFor();
    await isHarmless("results of a hostile search");
    await field(page, "Search for").fill("hostile");
    const result = page.getByRole("listitem").filter({ hasText: name });
    await result.locator("mark").first().waitFor();
    // Results of an earlier search are paler.
    await page.locator(".search-busy").waitFor({ state: "detached" });
    await isHarmless("hostile results");
    await result.getByRole("link").first().click();
    await foundPassage(page);
    await isHarmless("a hostile passage");
});
