// The console, for the stories.
import assert from "node:assert/strict";
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
