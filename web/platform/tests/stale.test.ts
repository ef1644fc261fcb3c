import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import type { Resource } from "../src/api/pages.js";
import { Problem } from "../src/api/problem.js";
import { ofShown } from "../src/api/stale.js";

const failed = (code: string) =>
    Problem.of(new Response(null, { status: 412 }), { type: `https://api.example.com/problems/${code}`, detail: "" });

/** Makes a resource whose next version is loaded by `reload`. */
const resourceAt = (version: number) => {
    const resource: Resource<string> = {
        value: signal("mine"),
        etag: signal(`"${version}"`),
        state: signal("ready"),
        problem: signal(null),
        reload: async () => {
            version++;
            resource.etag.value = `"${version}"`;
        },
        set: () => undefined,
    };
    return resource;
};

test("a change is about the version that was shown, not about one that was loaded since", async () => {
    const resource = resourceAt(1);
    const change = ofShown(resource, async (etag) => etag);
    await resource.reload();
    assert.equal(await change(), '"1"');
});

test("the version of somebody else is loaded before the next attempt", async () => {
    const resource = resourceAt(1);
    const sent: (string | undefined)[] = [];
    const change = ofShown(resource, async (etag) => {
        sent.push(etag);
        throw failed("stale");
    });
    await assert.rejects(change(), ({ explanation }) => explanation !== null);
    await assert.rejects(change());
    assert.deepEqual(sent, ['"1"', '"2"']);
});

test("another refusal loads nothing", async () => {
    const resource = resourceAt(1);
    const change = ofShown(resource, () => Promise.reject(failed("last-owner")));
    await assert.rejects(change(), { explanation: null });
    assert.equal(resource.etag.value, '"1"');
});
