// People open links, each in a browser of their own, and do what the pages ask for, with the keyboard alone.
import { tell, typeAndPress } from "../chromium.mjs";

await tell(async ({ open, visits }) => {
    for (const { link, steps } of visits) {
        const page = await open();
        await page.goto(link);
        for (const { types, presses, says } of steps) {
            await typeAndPress(page, types, presses);
            await page.getByText(says).waitFor();
        }
    }
});
