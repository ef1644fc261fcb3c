// Somebody works in two tabs. Their access tokens expire 20 times, at the same moment: one refresh at a time, and both tabs stay signed in.
import assert from "node:assert/strict";
import { API, FRONT_END, tell } from "../../chromium.mjs";
import { visit } from "../../console.mjs";

const ROUNDS = 20;
const HEADERS = { "access-control-allow-origin": FRONT_END, "access-control-allow-credentials": "true" };
const EXPIRED = { type: "https://archesai.com/problems/unauthenticated", title: "Unauthorized", status: 401, detail: "Sign in.", instance: "/", requestId: "expired" };

await tell(async ({ open, person, organization }) => {
    const first = await visit(open, `/organizations/${organization}/members`, { person });
    const profile = first.context();
    const second = await profile.newPage();
    await second.goto(first.url());
    const tabs = [first, second];

    // When each refresh began and ended, in the time that both tabs share.
    let refreshes = [];
    await profile.exposeFunction("noteRefresh", (begin, end) => refreshes.push([begin, end]));
    await profile.addInitScript((refresh) => {
        const now = () => performance.timeOrigin + performance.now();
        const real = globalThis.fetch;
        globalThis.fetch = async (...request) => {
            const begin = now();
            const response = await real(...request);
            if (request[0] === refresh) globalThis.noteRefresh(begin, now());
            return response;
        };
    }, `${API}/v1/auth/refresh`);
    const oneAtATime = () => {
        const sorted = refreshes.toSorted(([one], [other]) => one - other);
        const overlapping = sorted.filter(([begin], n) => n > 0 && begin < sorted[n - 1][1]);
        assert.deepEqual(overlapping, [], "one refresh at a time");
    };

    // The API knows these tokens no more.
    const expired = new Set();
    const used = new Set();
    await profile.route(`${API}/v1/organizations/**`, async (route) => {
        const token = route.request().headers().authorization;
        if (token === undefined) return route.continue();
        used.add(token);
        if (!expired.has(token)) return route.continue();
        return route.fulfill({ status: 401, headers: HEADERS, contentType: "application/problem+json", body: JSON.stringify(EXPIRED) });
    });
    const pages = ["Invitations", "Members"];
    const go = (tab, round) => tab.getByRole("link", { name: pages[round % 2], exact: true }).first().click();
    const shows = async (tab, round) => {
        await tab.getByRole("heading", { level: 1, name: pages[round % 2] }).waitFor();
        await tab.waitForFunction(() => !document.querySelector(".skeleton, .progress"));
        assert.equal(await tab.getByRole("alert").count(), 0, "nothing failed");
    };
    await Promise.all(tabs.map((tab) => tab.reload()));
    await Promise.all(tabs.map((tab) => shows(tab, 1)));
    await Promise.all(tabs.map((tab) => go(tab, 0)));
    await Promise.all(tabs.map((tab) => shows(tab, 0)));
    refreshes = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
        for (const token of used) expired.add(token);
        await Promise.all(tabs.map((tab) => go(tab, round)));
        await Promise.all(tabs.map((tab) => shows(tab, round)));
    }
    oneAtATime();
    const count = refreshes.length;
    assert.ok(count >= ROUNDS && count <= 2 * ROUNDS, `${count} refreshes`);

    // Both load again at once: then no tab has a token.
    await Promise.all(tabs.map((tab) => tab.reload()));
    await Promise.all(tabs.map((tab) => shows(tab, ROUNDS)));
    oneAtATime();
});
