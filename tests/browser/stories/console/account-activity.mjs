// Somebody reads what happened with the account: in words, page by page.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { looksRight, press, visitAccount } from "../../console.mjs";

const PAGE = 25;

await tell(async ({ open, person }) => {
    const page = await visitAccount(open, "activity", person);
    const rows = page.locator(".event");
    await rows.first().waitFor();
    assert.equal(await rows.count(), PAGE);
    await rows.getByText(/^by you( · |$)/).first().waitFor();
    await looksRight(page, "activity");
    await press(page, "Load more");
    await page.waitForFunction((count) => document.querySelectorAll(".event").length > count, PAGE);
    for (const text of ["Account created", "Signed in", "Profile changed"]) await rows.filter({ hasText: text }).first().waitFor();

    // A refused sign-in, and what others did, without who they are.
    await rows.filter({ hasText: "Sign-in refused" }).first().waitFor();
    const suspended = rows.filter({ hasText: "Account suspended" });
    await suspended.getByText("by somebody else").waitFor();
    await suspended.locator("summary").click();
    await suspended.getByText("user.suspended").waitFor();
    assert.equal(await suspended.getByText("Caused by").count(), 0);
    await looksRight(page, "an event");
});
