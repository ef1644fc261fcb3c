// Somebody opens an invitation, signs in first, and joins. The token of the link is never in the address.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE, visit } from "../../console.mjs";

await tell(async ({ open, link, person, organization }) => {
    const { pathname, search } = new URL(link);
    const token = new URLSearchParams(search).get("token");
    const page = await visit(open, `${pathname}${search}`);
    const visited = [];
    page.on("request", (request) => visited.push(request.url()));
    const isHidden = (path) => {
        assert.equal(page.url(), `${CONSOLE}${path}`);
        assert.deepEqual(visited.filter((url) => url.includes(token)), []);
    };
    const invited = page.getByRole("heading", { level: 1, name: "You are invited" });

    await page.getByRole("link", { name: "Sign in" }).waitFor();
    isHidden("/invitation");
    await page.reload();
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    isHidden("/sign-in?returnTo=%2Finvitation");
    await page.getByRole("textbox", { name: "E-mail address" }).fill(person.email);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.keyboard.press("Enter");

    await invited.waitFor();
    await page.getByText(`You are signed in as ${person.email}.`).waitFor();
    isHidden("/invitation");
    await page.getByRole("button", { name: "Join" }).click();
    await page.waitForURL(`${CONSOLE}${organization.replace("/v1", "")}/artifacts`);
    assert.ok(!(await page.evaluate(() => JSON.stringify(sessionStorage))).includes(token), "a used token is forgotten");
    await page.goBack();
    await page.goForward();
    assert.deepEqual(visited.filter((url) => url.includes(token)), []);
});
