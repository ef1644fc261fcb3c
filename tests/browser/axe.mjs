// Accessibility, for the stories: axe reads a page as it is now.
import assert from "node:assert/strict";
import { installed } from "./chromium.mjs";

const { AxeBuilder } = installed("@axe-core/playwright");

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// Checks that a page breaks no rule of WCAG 2.2 AA. `state` names what it shows, for the error.
export const accessible = async (page, state) => {
    // What appears is transparent until it has arrived.
    await page.evaluate(async () => {
        const ends = (animation) => animation.effect.getComputedTiming().endTime !== Infinity;
        await Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished));
    });
    // The other mode opens a page of its own. It is for frames, and the console has none.
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).setLegacyMode().analyze();
    const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
    assert.deepEqual(found, [], `${state}: ${page.url()}`);
};
