// The API does not answer the pages of an organization. Each says so, with the id of the request, and tries again.
import { API, tell } from "../../chromium.mjs";
import { CONSOLE, looksRight, visitOrganization } from "../../console.mjs";

// A page, what it asks the API for, and what it shows then.
const PAGES = [
    ["Members", "/members", "You"],
    ["Invitations", "/invitations", "No invitations yet"],
    ["API keys", "/api-keys", "No API keys yet"],
    ["Usage", "/usage", "Nothing was used in this time"],
    ["Audit log", "/audit-events", "by Ada"],
    ["Settings", "", "Organization id"],
];

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "search", person);
    for (const [link, path, shown] of PAGES) {
        let isDown = true;
        const isMeant = (url) => url.href.startsWith(API) && url.pathname === `${organization}${path}`;
        await page.route(isMeant, (route) => {
            if (!isDown || route.request().method() === "OPTIONS") return route.continue();
            const headers = { "access-control-allow-origin": CONSOLE };
            const body = { type: "https://errors.example/unavailable", title: "", status: 503, detail: "", requestId: "request-1" };
            return route.fulfill({ status: 503, headers, contentType: "application/problem+json", body: JSON.stringify(body) });
        });
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: link, exact: true }).click();
        await page.getByText("The service is not available for a moment.").first().waitFor();
        await page.getByText("request-1").first().waitFor();
        await looksRight(page, `${link} without the API`);
        isDown = false;
        await page.getByRole("main").getByRole("button", { name: "Try again" }).first().click();
        await page.getByRole("main").getByText(shown, { exact: true }).first().waitFor();
        await page.unroute(isMeant);
    }
});
