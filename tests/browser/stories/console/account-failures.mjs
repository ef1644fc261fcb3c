// The API does not answer the pages of an account. Each says so, with the id of the request, and tries again.
import { API, tell } from "../../chromium.mjs";
import { CONSOLE, looksRight, visitAccount } from "../../console.mjs";

// The tab of a page, what it asks the API for, and what it shows then.
const PAGES = [
    ["Profile", "/v1/auth/me", "You"],
    ["Ways to sign in", "/v1/auth/accounts", "Password and mail"],
    ["Sessions", "/v1/auth/sessions", "This device"],
    ["Activity", "/v1/auth/me/audit-events", "by you"],
];

await tell(async ({ open, person }) => {
    const page = await visitAccount(open, "data", person);
    for (const [tab, path, shown] of PAGES) {
        let isDown = true;
        const isMeant = (url) => url.href.startsWith(API) && url.pathname === path;
        await page.route(isMeant, (route) => {
            if (!isDown || route.request().method() === "OPTIONS") return route.continue();
            const headers = { "access-control-allow-origin": CONSOLE, "access-control-allow-credentials": "true" };
            const body = { type: "https://errors.example/unavailable", title: "", status: 503, detail: "", requestId: "request-1" };
            return route.fulfill({ status: 503, headers, contentType: "application/problem+json", body: JSON.stringify(body) });
        });
        await page.getByRole("navigation", { name: "Account" }).getByRole("link", { name: tab }).click();
        await page.getByText("The service is not available for a moment.").waitFor();
        await page.getByText("request-1").waitFor();
        await looksRight(page, `${tab} without the API`);
        isDown = false;
        await page.getByRole("main").getByRole("button", { name: "Try again" }).click();
        await page.getByText(shown, { exact: true }).first().waitFor();
        await page.unroute(isMeant);
    }
});
