// A model, a document and somebody who names a conversation are hostile. The page shows all of it as text: it runs and loads nothing.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { answers, ask, ended } from "../../chat.mjs";
import { tell } from "../../chromium.mjs";
import { fitsInto, looksRight, visitOrganization } from "../../console.mjs";

// What could run, load, or lead away.
const LIVE = "script, style, link, iframe, object, embed, img, picture, video, audio, source, svg image, form, base, meta, a";

await tell(async ({ open, complaints, organization, conversation, title, texts, person }) => {
    const page = await visitOrganization(open, organization, `conversations/${conversation}`, person);
    const isHarmless = async (state) => {
        await fitsInto(page, 320);
        await page.setViewportSize({ width: 1280, height: 800 });
        await accessible(page, state);
        const found = await answers(page).locator(LIVE).evaluateAll((elements) => elements.map((element) => element.outerHTML));
        assert.deepEqual(found, [], state);
        assert.equal(await page.evaluate(() => window.ran), undefined, state);
        assert.deepEqual(complaints, [], state);
    };
    await page.evaluate(() => {
        window.violations = [];
        document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.effectiveDirective));
    });
    await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
    await ended(page, 1);
    for (const text of texts) await answers(page).first().getByText(text, { exact: false }).first().waitFor();
    await isHarmless("a stored answer");

    // The stand-in for the model writes an image, a link and citations of sources that it was not given.
    await ask(page, "<img src=x onerror='window.ran = true'>");
    const answer = await ended(page, 2);
    await answer.getByText("Image: status (https://attacker.example/collect?q=secret)").waitFor();
    await answer.getByText("the manual (https://attacker.example/)").waitFor();
    assert.match(await answer.textContent(), /\[7\] \[99\]/);
    assert.equal(await answer.getByRole("button", { name: /^Source/ }).count(), 0);
    await isHarmless("an answer that was written here");
    assert.deepEqual(await page.evaluate(() => window.violations), []);
    await looksRight(page, "hostile answers");
});
