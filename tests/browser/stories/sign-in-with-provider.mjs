// A person signs in with a provider, at a front end.
import assert from "node:assert/strict";
import { beginAtProvider, call, chooseAtProvider, ok, sameSiteOf, tell } from "../chromium.mjs";

await tell(async ({ open, provider, persona }) => {
    const page = await open();
    await beginAtProvider(page, provider, "?returnTo=/welcome");
    const { code, returnTo } = await chooseAtProvider(page, persona);
    assert.equal(returnTo, "/welcome");
    assert.equal(await sameSiteOf(page, "__Host-arches_flow"), "Lax");

    const signedIn = ok(await call(page, "POST", "/v1/auth/oauth/exchange", { body: { code, transport: "cookie" } }), 201);
    assert.equal(signedIn.refreshToken, undefined);
    for (const name of ["__Host-arches_refresh", "__Host-arches_device"]) assert.equal(await sameSiteOf(page, name), "Strict");

    await page.reload();
    const { accessToken } = ok(await call(page, "POST", "/v1/auth/refresh"), 200);
    return ok(await call(page, "GET", "/v1/auth/me", { token: accessToken }), 200);
});
