// The pages of an organization, for the stories. `organization` is its path in the API.
import { visit } from "./console.mjs";

const WIDE = { width: 1280, height: 800 };

// Opens a page of an organization as a person, in a browser profile of its own. Nothing moves, so that axe sees colours as they are in the end.
export const visitOrganization = (open, organization, name, person) =>
    visit(open, `${organization.replace("/v1", "")}/${name}`, { person, options: { reducedMotion: "reduce", viewport: WIDE } });

// Returns the row of a table that has a text.
export const row = (page, text) => page.getByRole("row").filter({ hasText: text });

// Chooses what to do with a row: its menu is named after `name`.
export const choose = async (page, name, action) => {
    await page.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
    await page.getByRole("group", { name: `Actions for ${name}`, exact: true }).getByRole("button", { name: action, exact: true }).click();
};

// Waits until everything on the page is loaded.
export const loaded = (page) => page.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".skeleton"));
