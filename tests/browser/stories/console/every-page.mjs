// Somebody opens every page: it is accessible in both themes, fits on a phone and at 200 %, and its policy refuses nothing.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE, fitsInto, signIn } from "../../console.mjs";

// A window of 1280 px at 200 % is 640 px wide.
const WIDTHS = [320, 640, 1280];

await tell(async ({ open, complaints, person, paths }) => {
    for (const colorScheme of ["light", "dark"]) {
        const page = await open({ colorScheme });
        await page.addInitScript(() => {
            window.violations = [];
            document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`));
        });
        if (person) await signIn(page, person);
        for (const path of paths) {
            const state = `${path}, ${colorScheme}`;
            await page.goto(`${CONSOLE}${path}`);
            await page.getByRole("heading", { level: 1 }).first().waitFor();
            // A page that leads to another has no heading in between.
            await page.waitForFunction(() => document.querySelectorAll("h1").length === 1 && !document.querySelector(".skeleton, .progress"));
            assert.match(await page.title(), /^.+ · Arches$/, state);
            // A page before the sign-in may lead there, if its link has no token.
            if (person) assert.equal(new URL(page.url()).pathname, path);
            for (const width of WIDTHS) await fitsInto(page, width);
            await accessible(page, state);
            assert.deepEqual(await page.evaluate(() => window.violations), [], state);
            assert.deepEqual(complaints, [], state);
        }
        await page.context().close();
    }
});
