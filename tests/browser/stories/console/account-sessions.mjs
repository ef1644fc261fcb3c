// Somebody looks at the sessions, ends one, and then all others.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { answer, asks, isAtHeading, looksRight, press, said, visitAccount } from "../../console.mjs";

await tell(async ({ open, person, sessions }) => {
    const page = await visitAccount(open, "sessions", person);
    const rows = page.getByRole("row").filter({ has: page.getByRole("cell") });
    await page.getByText("This device", { exact: true }).waitFor();
    assert.equal(await rows.count(), sessions);
    assert.equal(await rows.filter({ hasText: "This device" }).getByRole("button").count(), 0, "this session is not ended here");
    await looksRight(page, "sessions");

    const end = rows.getByRole("button").last();
    await end.click();
    await asks(page, "End this session?");
    await answer(page, "Cancel");
    await end.click();
    await answer(page, "End");
    await isAtHeading(page);
    await said(page, "The session has ended.");
    assert.equal(await rows.count(), sessions - 1);

    await press(page, "End all others");
    await asks(page, "End all other sessions?");
    await answer(page, "End all others");
    await said(page, "All other sessions have ended.");
    assert.equal(await rows.count(), 1);
    assert.equal(await page.getByRole("button", { name: "End all others" }).count(), 0);
    await looksRight(page, "one session");
});
