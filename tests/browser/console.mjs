// The console, for the stories.
import assert from "node:assert/strict";
import { accessible } from "./axe.mjs";
import { FRONT_END, call, ok } from "./chromium.mjs";

export const CONSOLE = FRONT_END;

// Signs a person in, as the console does: the cookie is the session. The page is at a file of the console that runs nothing. Returns what the API answers.
export const signIn = async (page, { email, password }) => {
    await page.goto(`${CONSOLE}/config.json`);
    return ok(await call(page, "POST", "/v1/auth/login", { body: { email, password, transport: "cookie" } }), 201);
};

// Opens a page of the console in a browser profile of its own; with `person`, whose `email` and `password` it has, after a sign-in. `options` are Playwright's.
export const visit = async (open, path, { person, options } = {}) => {
    const page = await open(options);
    if (person) await signIn(page, person);
    await page.goto(`${CONSOLE}${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    return page;
};

// Checks that nothing is wider than the page.
export const fitsInto = async (page, width) => {
    await page.setViewportSize({ width, height: 800 });
    const widest = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(widest <= width, `${page.url()} is ${widest} px wide at ${width} px`);
};

const WIDE = { width: 1280, height: 800 };
// Nothing moves, so that axe sees colours as they are in the end.
const STILL = { reducedMotion: "reduce", viewport: WIDE };

// Opens a page of the account of a person, in a browser profile of its own.
export const visitAccount = (open, name, person) => visit(open, `/account/${name}`, { person, options: STILL });

// Opens a page of an organization, whose path in the API is `organization`, as a person, in a browser profile of its own.
export const visitOrganization = (open, organization, name, person) =>
    visit(open, `${organization.replace("/v1", "")}/${name}`, { person, options: STILL });

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

// Returns the row of a table that has a text.
export const row = (page, text) => page.getByRole("row").filter({ hasText: text });

// Chooses what to do with a row: its menu is named after `name`.
export const choose = async (page, name, action) => {
    await page.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
    await page.getByRole("group", { name: `Actions for ${name}`, exact: true }).getByRole("button", { name: action, exact: true }).click();
};

// Waits until everything on the page is loaded.
export const loaded = (page) => page.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".skeleton"));
