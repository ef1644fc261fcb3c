// Chromium, for the stories. `site.rs` runs a story in Node, with one argument: what this file and the story need, as JSON.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { api, frontEnd, chromium: executablePath, playwright, given } = JSON.parse(process.argv[2]);
export const installed = createRequire(`${playwright}/`);
const { chromium } = installed("playwright-core");

// The addresses that the API's settings name. Chromium finds all three at other ports of this machine, and no other name. The front end is the console, or an
// empty page.
export const API = "http://localhost:9000";
export const FRONT_END = "http://localhost:9005";
export const STRANGER = "http://localhost:4000";

// Tells a story: opens Chromium, and prints what the story returns. Fails if a page did what it must not.
export const tell = async (story) => {
    const empty = createServer((_, response) => {
        response.setHeader("content-type", "text/html").end('<!doctype html><html lang="en"><title>An empty page</title></html>');
    }).listen(0, "127.0.0.1");
    await once(empty, "listening");
    const emptyPages = `127.0.0.1:${empty.address().port}`;
    const places = [[API, new URL(api).host], [FRONT_END, frontEnd ? new URL(frontEnd).host : emptyPages], [STRANGER, emptyPages]];
    const rules = places.map(([origin, place]) => `MAP ${new URL(origin).host} ${place}`);
    const args = [`--host-resolver-rules=${[...rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"].join(",")}`];
    const browser = await chromium.launch({ executablePath, args });
    const complaints = [];
    // Opens a page in a browser profile of its own: two of them share no cookie. `options` are Playwright's, such as `viewport` and `colorScheme`.
    const open = async (options) => {
        const profile = await browser.newContext(options);
        watch(profile, complaints);
        return profile.newPage();
    };
    try {
        const result = await story({ open, complaints, ...given });
        assert.deepEqual(complaints, []);
        console.log(JSON.stringify(result ?? null));
    } finally {
        await browser.close();
        empty.close();
    }
};

// Collects errors and warnings in the console, among them those of Content-Security-Policy, and requests to other machines.
const watch = (profile, complaints) => {
    profile.on("console", (message) => {
        // A refusal by the API is such an error too. The story looks at it.
        const isRefusal = message.text().startsWith("Failed to load resource");
        if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
    });
    profile.on("weberror", (error) => complaints.push(String(error.error())));
    profile.on("request", (request) => {
        if (!["localhost", "127.0.0.1"].includes(new URL(request.url()).hostname)) complaints.push(`asked ${request.url()}`);
    });
};

// Begins a sign-in with a provider. Returns the URL at the provider.
export const beginAtProvider = async (page, provider, query = "") => {
    const answer = await page.goto(`${API}/v1/auth/oauth/${provider}/authorize${query}`);
    let request = answer.request();
    while (!request.redirectedFrom().url().startsWith(API)) request = request.redirectedFrom();
    return request.url();
};

// Presses a button of the provider. Returns what the front end gets in the fragment of its address.
export const chooseAtProvider = async (page, button) => {
    await page.getByRole("button", { name: button }).click();
    await page.waitForURL((url) => url.href.startsWith(`${FRONT_END}/signed-in#`));
    return Object.fromEntries(new URLSearchParams(new URL(page.url()).hash.slice(1)));
};

// Calls the API from a page, as a front end does. Returns the status, and the body or null.
export const call = (page, method, path, { body, token } = {}) =>
    page.evaluate(
        async ([url, method, body, token]) => {
            const headers = {};
            if (body) headers["content-type"] = "application/json";
            if (token) headers.authorization = `Bearer ${token}`;
            const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), credentials: "include" });
            return { status: answer.status, body: await answer.json().catch(() => null) };
        },
        [`${API}${path}`, method, body, token],
    );

// Calls the API as a program does: no browser says which page asks.
export const callWithoutBrowser = async (method, path, { body, token } = {}) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`${api}${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json().catch(() => null) };
};

// Checks an answer, and returns its data.
export const ok = (answer, status) => {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body?.data;
};

// Checks that the API refused.
export const refused = (answer, status, problem) => {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.body.type.split("/").pop(), problem);
};

// Checks that the browser keeps a cookie for this host alone, and from scripts. Returns how it is sent from other sites.
export const sameSiteOf = async (page, name) => {
    const cookies = await page.context().cookies(API);
    const cookie = cookies.find((cookie) => cookie.name === name);
    assert.ok(cookie, `${name} is not in ${JSON.stringify(cookies)}`);
    const { httpOnly, secure, domain, path, sameSite } = cookie;
    assert.deepEqual({ httpOnly, secure, domain, path }, { httpOnly: true, secure: true, domain: "localhost", path: "/" });
    assert.equal(await page.evaluate(() => document.cookie), "");
    return sameSite;
};

// Writes `texts` into the fields of a page in their order, and presses a button: with the keyboard alone.
export const typeAndPress = async (page, texts, button) => {
    for (const text of texts) {
        await page.keyboard.press("Tab");
        assert.equal((await focused(page)).labels, 1, "the field has a label");
        await page.keyboard.type(text);
    }
    let there;
    for (let tabs = 0; there?.text !== button; tabs++) {
        assert.ok(tabs < 5, `the button “${button}” is not reached`);
        await page.keyboard.press("Tab");
        there = await focused(page);
    }
    await page.keyboard.press("Enter");
};

const focused = async (page) => {
    const there = await page.evaluate(() => {
        const element = document.activeElement;
        return { text: element.textContent, labels: element.labels?.length, outline: getComputedStyle(element).outlineStyle };
    });
    assert.notEqual(there.outline, "none", "one sees where the focus is");
    return there;
};
