// A stranger opens the console: it loads under its policy, says who it is, and asks for a sign-in.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE, fitsInto, visit } from "../../console.mjs";

await tell(async ({ open, complaints }) => {
    for (const colorScheme of ["light", "dark"]) {
        const page = await visit(open, "/", { options: { colorScheme } });
        await page.getByRole("textbox", { name: /e-mail/i }).waitFor();
        assert.equal(new URL(page.url()).origin, CONSOLE);
        assert.notEqual(await page.title(), "");
        await accessible(page, `sign-in, ${colorScheme}`);
        await fitsInto(page, 320);
    }
    assert.deepEqual(complaints, []);

    // The policy holds: no text becomes a script or markup, also not by another way than the console's.
    const page = await visit(open, "/");
    const refused = await page.evaluate(async () => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
        const tries = [
            () => (document.body.innerHTML = "<img src=x onerror=alert(1)>"),
            () => document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = true" })),
            () => trustedTypes.createPolicy("default", { createHTML: (text) => text }),
            () => fetch("https://example.com/"),
            () => document.body.setAttribute("style", "color: red"),
        ];
        for (const one of tries) await Promise.resolve().then(one).catch(() => undefined);
        await new Promise((done) => setTimeout(done, 200));
        return [...new Set(refused)].sort();
    });
    assert.deepEqual(refused, ["connect-src", "require-trusted-types-for", "style-src-attr", "trusted-types"]);
    assert.equal(await page.evaluate(() => window.ran), undefined);
    complaints.length = 0;
});
