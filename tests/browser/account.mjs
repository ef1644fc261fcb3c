// The pages of an account, for the stories.
import assert from "node:assert/strict";
import { accessible } from "./axe.mjs";
import { fitsInto, visit } from "./console.mjs";

const WIDE = { width: 1280, height: 800 };

// Opens a page of the account of a person. Nothing moves, so that axe sees colours as they are in the end.
export const visitAccount = (open, name, person) =>
    visit(open, `/account/${name}`, { person, options: { reducedMotion: "reduce", viewport: WIDE } });

// Checks what a page shows now: in both themes, and on a phone.
export const looksRight = async (page, state) => {
    for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await accessible(page, `${state}, ${colorScheme}`);
    }
    await fitsInto(page, 320);
    await accessible(page, `${state}, on a phone`);
    await page.setViewportSize(WIDE);
};

// Waits until the page says a text, and closes the message.
export const said = async (page, text) => {
    const message = page.locator(".toast").filter({ hasText: text });
    await message.getByRole("button", { name: "Close" }).click();
    await message.waitFor({ state: "detached" });
};

// Presses a button of the page, or of the dialog above it.
export const press = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true }).click();
export const answer = (page, name) => page.getByRole("dialog").last().getByRole("button", { name, exact: true }).click();

// Returns a field by its label.
export const field = (page, label) => page.getByLabel(label, { exact: true });

// Waits for a dialog, and checks it.
export const asks = async (page, title, state = title) => {
    await page.getByRole("dialog", { name: title, exact: true }).waitFor();
    await looksRight(page, state);
};

// Checks that the focus is at the heading of the page, so that nobody is lost after a button is gone.
export const isAtHeading = async (page) => {
    await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    assert.notEqual(await page.title(), "");
};
