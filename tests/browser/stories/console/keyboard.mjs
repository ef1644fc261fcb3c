// Somebody works with the keyboard alone: signs in, creates an organization, invites a colleague, creates an API key and signs out.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE } from "../../console.mjs";

const MOST_TABS = 80;

// The name of the element with the focus, and whether one sees where the focus is.
const focused = (page) =>
    page.evaluate(() => {
        const element = document.activeElement;
        const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
        const name = (element.getAttribute("aria-label") || labels || element.textContent || "").trim();
        return { tag: element.tagName, name, isSeen: getComputedStyle(element).outlineStyle !== "none" };
    });

await tell(async ({ open, person, invited }) => {
    const page = await open();
    // Moves on until something with this name has the focus.
    const reach = async (name) => {
        for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
            await page.keyboard.press("Tab");
            const there = await focused(page);
            if (there.tag === "BODY") continue;
            assert.ok(there.isSeen, `one sees that “${there.name}” has the focus`);
            if (there.name.startsWith(name)) return;
        }
        assert.fail(`“${name}” is not reached at ${page.url()}`);
    };
    const press = async (name, key = "Enter") => {
        await reach(name);
        await page.keyboard.press(key);
    };
    const heading = async (name) => {
        const there = page.getByRole("heading", { level: 1, name });
        await there.waitFor();
        await page.waitForFunction(() => !document.querySelector(".skeleton, .progress"));
        return there;
    };
    // What the dialog asks first has the focus.
    const dialog = async (name, field) => {
        await page.getByRole("dialog", { name }).waitFor();
        assert.ok((await focused(page)).name.startsWith(field), `“${field}” has the focus`);
    };

    await page.goto(`${CONSOLE}/sign-in`);
    await heading("Sign in");
    await reach("E-mail address");
    await page.keyboard.type(person.email);
    await reach("Password");
    await page.keyboard.type(person.password);
    await page.keyboard.press("Enter");

    await heading("Organizations");
    await press("New organization");
    await dialog("New organization", "Name");
    await page.keyboard.type("Analytical Engines");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/organizations\/[^/]+\/artifacts$/);
    await heading("Artifacts");

    await page.keyboard.press("Control+k");
    await heading("Search");
    await page.waitForFunction(() => document.activeElement.matches("[type=search]"));

    await press("Invitations");
    await heading("Invitations");
    assert.equal((await focused(page)).tag, "H1", "the focus moves to the heading of the page");
    await press("Invite a member");
    await dialog("Invite a member", "E-mail address");
    await page.keyboard.type(invited);
    await page.keyboard.press("Enter");
    await page.getByRole("status").filter({ hasText: invited }).waitFor();
    await page.getByRole("row").filter({ hasText: invited }).waitFor();

    await press("API keys");
    await heading("API keys");
    await press("Create a key");
    await dialog("Create a key", "Name");
    await page.keyboard.type("Nightly import");
    await press("Read the members", "Space");
    await press("Create a key");
    await page.getByRole("dialog", { name: "The key “Nightly import”" }).waitFor();
    await press("I have stored it");
    await page.getByRole("row").filter({ hasText: "Nightly import" }).waitFor();

    await press(`${person.name}: Your account`);
    // Up from the first entry is the last one.
    await page.waitForFunction(() => document.activeElement.matches(".menu-item"));
    await page.keyboard.press("ArrowUp");
    assert.equal((await focused(page)).name, "Sign out");
    await page.keyboard.press("Enter");
    await heading("Sign in");
});
