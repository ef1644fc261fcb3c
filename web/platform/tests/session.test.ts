import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { answers, hear, held, json, sent, signedIn, tokenOf, visited } from "./browser.js";

const { begin, end, profile, sameUser, whenUserChanges } = await import("../src/api/session.js");
const { beforeSignOut, reloadProfile, signOut } = await import("../src/api/account.js");
const { loadOrganizations, loadRole, organizations } = await import("../src/api/organizations.js");

const signIn = (id: string, expiresIn = 600) => begin(signedIn(id, expiresIn));

let cleared = 0;
whenUserChanges(() => {
    cleared++;
});

beforeEach(() => {
    end();
    cleared = 0;
    answers.clear();
    sent.length = 0;
    visited.length = 0;
    held.clear();
});

/** Makes an answer that comes when the test says so. */
const later = () => {
    let come: (response: Response) => void = () => undefined;
    const answer = new Promise<Response>((resolve) => {
        come = resolve;
    });
    return { handler: () => answer, come: (body: unknown) => come(json(body)) };
};

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("what belongs to a user ends with a sign-out, and when another one signs in", () => {
    signIn("ada");
    cleared = 0;
    const isSame = sameUser();
    signIn("ada");
    assert.equal(cleared, 0);
    assert.ok(isSame());
    signIn("grace");
    assert.equal(cleared, 1);
    assert.ok(!isSame());
    end();
    assert.equal(cleared, 2);
    signIn("grace");
    assert.ok(!isSame());
});

test("a sign-in tells whether it takes the place of another person's", () => {
    assert.equal(begin(signedIn("ada")), false);
    assert.equal(begin(signedIn("ada")), false);
    assert.equal(begin(signedIn("grace")), true);
    end();
    assert.equal(begin(signedIn("ada")), false);
});

test("an answer for the one before changes nothing", async () => {
    signIn("ada");
    const list = later();
    const me = later();
    answers.set("GET /v1/organizations", list.handler);
    answers.set("GET /v1/auth/me", me.handler);
    const loading = [loadOrganizations(), reloadProfile()];
    await turn();
    signIn("grace");
    list.come({ data: [{ id: "of-ada" }], meta: {} });
    me.come({ data: signedIn("ada").user });
    await Promise.all(loading);
    assert.equal(organizations.value, undefined);
    assert.equal(profile.value?.id, "grace");
});

test("two users load their roles in one organization", async () => {
    const role = later();
    answers.set("GET /v1/organizations/o/members/ada", role.handler);
    answers.set("GET /v1/organizations/o/members/grace", () => json({ data: { role: "viewer" } }));
    signIn("ada");
    const first = loadRole("o");
    await turn();
    signIn("grace");
    await loadRole("o");
    role.come({ data: { role: "owner" } });
    await first;
    sent.length = 0;
    await loadRole("o");
    assert.deepEqual(sent, [], "it is known");
});

test("a refresh that returns the token of another person loads the page again", async () => {
    signIn("ada", 1);
    answers.set("POST /v1/auth/refresh", () => json({ data: { accessToken: tokenOf("grace"), expiresIn: 600 } }));
    await assert.rejects(reloadProfile(), { code: "unauthenticated" });
    assert.deepEqual(sent, ["POST /v1/auth/refresh"]);
    assert.deepEqual(visited, ["/"]);
    assert.equal(profile.value, undefined);
    assert.equal(cleared, 2);
});

test("another tab with the same person says only a newer token", () => {
    signIn("ada");
    hear({ kind: "refreshed", token: { value: tokenOf("ada"), endsAt: 1 } });
    assert.equal(profile.value?.id, "ada");
    assert.deepEqual(visited, []);
    hear({ kind: "refreshed", token: { value: tokenOf("grace"), endsAt: 1 } });
    assert.equal(profile.value, undefined);
    assert.deepEqual(visited, ["/"]);
});

test("a sign-in is newer than a refresh that was on its way", async () => {
    signIn("ada", 1);
    const refresh = later();
    answers.set("POST /v1/auth/refresh", refresh.handler);
    answers.set("GET /v1/organizations", () => json({ data: [], meta: {} }));
    const loading = loadOrganizations();
    await turn();
    signIn("grace");
    refresh.come({ data: { accessToken: tokenOf("ada"), expiresIn: 600 } });
    await loading;
    assert.equal(profile.value?.id, "grace");
    assert.deepEqual(visited, []);
});

test("a sign-out waits for the last requests of all tabs, also if one fails", async () => {
    signIn("ada");
    answers.set("POST /v1/auth/logout", () => new Response(null, { status: 204 }));
    answers.set("POST /v1/of-this-tab", () => Promise.reject(new Error("offline")));
    answers.set("POST /v1/of-another", async () => {
        await turn();
        return json({});
    });
    const settle = beforeSignOut("/v1/settled");
    beforeSignOut("/v1/of-this-tab");
    held.add("arches-last /v1/of-another");
    settle();
    await turn();
    await signOut();
    assert.deepEqual(sent, ["POST /v1/of-this-tab", "POST /v1/of-another", "POST /v1/auth/logout"]);
    assert.equal(profile.value, null);
});
