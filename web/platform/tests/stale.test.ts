import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import type { Resource } from "../src/api/pages.js";
import { Problem } from "../src/api/problem.js";
import { orReload } from "../src/api/stale.js";

const failed = (code: string) =>
    Problem.of(new Response(null, { status: 412 }), { type: `https://api.example.com/problems/${code}`, detail: "" });

test("the version of somebody else is loaded before the next attempt", async () => {
    let reloads = 0;
    const resource: Resource<string> = {
        value: signal("mine"),
        etag: signal('"1"'),
        state: signal("ready"),
        problem: signal(null),
        reload: async () => {
            reloads++;
            resource.etag.value = '"2"';
        },
        set: () => undefined,
    };
    assert.equal(await orReload(resource, Promise.resolve("done")), "done");
    await assert.rejects(orReload(resource, Promise.reject(failed("last-owner"))), { explanation: null });
    assert.equal(reloads, 0);
    await assert.rejects(
        orReload(resource, Promise.reject(failed("stale"))),
        ({ explanation }) => explanation !== null,
    );
    assert.equal(resource.etag.value, '"2"');
});
