import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { signal } from "@preact/signals";
import type { Sent } from "../src/api/forms.js";
import type { Resource } from "../src/api/pages.js";

// A form without a page: its fields are what `typed` has.
class Form {
    elements = [];
    reset() {}
}
const define = (name: string, value: unknown) => Object.defineProperty(globalThis, name, { value, configurable: true });
for (const name of ["HTMLFormElement", "HTMLInputElement", "HTMLSelectElement", "HTMLTextAreaElement"])
    define(name, Form);
let typed: Record<string, string> = {};
define(
    "FormData",
    class extends Map<string, string> {
        constructor() {
            super(Object.entries(typed));
        }
    },
);

const { formOf } = await import("../src/api/forms.js");
const { Problem } = await import("../src/api/problem.js");

type Person = { name: string; phone: string };

let stored: { value: Person; version: number };
const saved: [Person, string | undefined][] = [];

const stale = () =>
    Problem.of(new Response(null, { status: 412 }), { type: "https://api.example.com/problems/stale", detail: "" });

const loaded = (): Resource<Person> => {
    const resource: Resource<Person> = {
        value: signal(stored.value),
        etag: signal(String(stored.version)),
        state: signal("ready"),
        problem: signal(null),
        reload: async () => {
            resource.value.value = stored.value;
            resource.etag.value = String(stored.version);
        },
        set: () => undefined,
    };
    return resource;
};

/** Sends a form once, and waits until that has ended. */
const submit = async (form: ReturnType<typeof formOf>) => {
    form.submit({
        preventDefault: () => undefined,
        currentTarget: new Form(),
        submitter: null,
    } as unknown as SubmitEvent);
    while (form.isSending.value) await new Promise(setImmediate);
};

/** Changes the name of a person, as the API does. */
const nameForm = (resource: Resource<Person>) => {
    const form = formOf<Person, void>(() => ({
        resource,
        show: ({ name }) => ({ name }),
        send: async ({ values, etag }) => {
            if (etag !== String(stored.version)) throw stale();
            stored = { value: { ...stored.value, name: values.text("name") }, version: stored.version + 1 };
            saved.push([stored.value, etag]);
        },
        done: () => resource.reload(),
    }));
    form.isShown();
    return form;
};

beforeEach(() => {
    stored = { value: { name: "Ada", phone: "1" }, version: 1 };
    saved.length = 0;
});

test("a change of something else by somebody else is kept, without a question", async () => {
    const form = nameForm(loaded());
    stored = { value: { name: "Ada", phone: "2" }, version: 2 };
    typed = { name: "Augusta" };
    await submit(form);
    assert.deepEqual(saved, [[{ name: "Augusta", phone: "2" }, "2"]]);
    typed = { name: "Ada Byron" };
    await submit(form);
    assert.equal(saved.at(-1)?.[1], "3", "the next change is about what was saved");
});

test("a version that was loaded behind the fields is not what the person changes", async () => {
    const resource = loaded();
    const etags: (string | undefined)[] = [];
    const form = formOf<Person, void>(() => ({
        resource,
        send: async ({ etag }) => void etags.push(etag),
        done: () => undefined,
    }));
    form.isShown();
    stored = { value: { name: "Countess", phone: "1" }, version: 2 };
    await resource.reload();
    await submit(form);
    assert.deepEqual(etags, ["1"]);
});

test("the same values are the same request, and other ones another", async () => {
    const keys: string[] = [];
    const form = formOf<Person, void>(() => ({
        send: async ({ key }: Sent) => {
            keys.push(key);
            throw Problem.from(null);
        },
        done: () => undefined,
    }));
    for (const password of ["one", "one", "two"]) {
        typed = { password };
        await submit(form);
    }
    assert.equal(keys[0], keys[1]);
    assert.notEqual(keys[1], keys[2]);
});

test("the digest of a form tells no password", async () => {
    const { Values } = await import("../src/api/forms.js");
    typed = { password: "correct horse" };
    const digest = await new Values(new FormData()).digest();
    assert.match(digest, /^\d+(,\d+){31}$/);
});

test("digits are read as the app shows them", async () => {
    const { Values } = await import("../src/api/forms.js");
    typed = { code: " 123 456 " };
    assert.equal(new Values(new FormData()).digits("code"), "123456");
});
