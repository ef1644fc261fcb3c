import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { AREAS, type AuditEvent, changed, happened } from "../src/components/audit-words.js";
import { audit } from "../src/texts/index.js";

const event = (changes: Partial<AuditEvent>): AuditEvent => ({
    id: "0198f0a2-0000-7000-8000-000000000001",
    occurredAt: "2026-01-02T03:04:05Z",
    action: "user.updated",
    outcome: "success",
    requestId: "abc",
    ...changes,
});

test("every action of the audit log has words", () => {
    const page = readFileSync("../../docs/audit-log.md", "utf8");
    const table = page.slice(page.indexOf("| action |"), page.indexOf("## Before and after"));
    const named = [...table.matchAll(/^\| `([a-z_.]+)` \|/gm)].map(([, action]) => action);
    const worded = AREAS.flatMap((area) => Object.keys(audit.areas[area].actions));
    assert.deepEqual(worded.toSorted(), named.toSorted());
});

test("an event says what happened, and what was refused", () => {
    assert.equal(happened(event({ action: "session.created" })), "Signed in");
    assert.equal(happened(event({ action: "session.created", outcome: "denied" })), "Sign-in refused");
    assert.equal(happened(event({ action: "user.exported", outcome: "denied" })), "Refused: Data exported");
    assert.equal(happened(event({ action: "of.a_later_version" })), "of.a_later_version");
    assert.equal(happened(event({ action: "constructor" })), "constructor");
});

test("a change says what was before and what is after", () => {
    assert.equal(changed(event({})), "");
    assert.equal(
        changed(event({ changes: { role: { from: "member", to: "admin" }, name: {} } })),
        "role: from member to admin, name",
    );
    assert.equal(changed(event({ changes: { suspended: { from: false, to: true } } })), "suspended: yes");
    assert.equal(changed(event({ changes: { role: { to: "owner" } } })), "role: owner");
    const scopes = { from: ["members:read" as const], to: ["artifacts:read" as const] };
    assert.equal(changed(event({ changes: { scopes } })), "scopes: added artifacts:read, removed members:read");
});
