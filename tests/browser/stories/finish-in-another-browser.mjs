// A stranger begins a sign-in, and another person finishes it at the provider. Neither can use what comes back to the other browser.
import assert from "node:assert/strict";
import { FRONT_END, beginAtProvider, call, chooseAtProvider, ok, refused, tell } from "../chromium.mjs";

await tell(async ({ open, provider }) => {
    const [first, other] = [await open(), await open()];
    const atProvider = await beginAtProvider(first, provider);
    // It has a cookie of the same name, too.
    await beginAtProvider(other, provider);

    await other.goto(atProvider);
    assert.deepEqual(await chooseAtProvider(other, "Grace Hopper"), { error: "flow-not-valid" });

    const { code } = await chooseAtProvider(first, "Ada Lovelace");
    const exchange = (page) => call(page, "POST", "/v1/auth/oauth/exchange", { body: { code } });
    await other.goto(FRONT_END);
    refused(await exchange(other), 401, "wrong-sign-in-code");
    return ok(await exchange(first), 201).user;
});
