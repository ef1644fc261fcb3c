// An owner who has shown a second factor requires one of all members from a day on, and stops requiring it.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, field, looksRight, press, said } from "../../console.mjs";

await tell(async ({ open, organization, refreshToken, without }) => {
    const page = await open({ reducedMotion: "reduce", viewport: { width: 1280, height: 800 } });
    // Chromium takes a `Secure` cookie of `localhost` from a script only with this scheme.
    const cookie = { name: "__Host-arches_refresh", value: refreshToken, url: "https://localhost/", secure: true, httpOnly: true, sameSite: "Strict" };
    await page.context().addCookies([cookie]);
    await page.goto(`${CONSOLE}${organization.replace("/v1", "")}/settings`);
    const part = page.getByRole("region", { name: "Second factor" });
    await part.getByText("Not required", { exact: true }).waitFor();
    await part.getByRole("heading", { name: "One member has none" }).waitFor();
    await part.getByText(without).waitFor();
    await looksRight(page, "no second factor required");

    await field(page, "Required from").fill("2020-01-01");
    await press(page, "Require a second factor");
    await part.getByText("Choose today or a later day.").waitFor();
    await field(page, "Required from").fill("2099-12-31");
    await press(page, "Require a second factor");
    await said(page, "Members need a second factor from that day on.");
    await part.getByText("Required soon", { exact: true }).waitFor();
    await part.getByText("Members need one from Dec 31, 2099").waitFor();
    await looksRight(page, "a second factor required from a day on");
    assert.equal(await field(page, "Required from").inputValue(), "2099-12-31");

    await press(page, "Stop requiring it");
    await asks(page, "Stop requiring a second factor?");
    await answer(page, "Stop requiring it");
    await said(page, "Members do not need a second factor any more.");
    await part.getByText("Not required", { exact: true }).waitFor();

    // The profile was shown before these changes. They changed nothing of it, so there is no question.
    await field(page, "Name").fill("Weavers");
    await press(page, "Save");
    await said(page, "Saved.");
});
