// The state of a form: what was sent, what is wrong with it, and the key that makes a repeated request harmless.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { forms as texts } from "../texts";
import type { Resource } from "./pages";
import { fieldOf, Problem } from "./problem";
import { sentence } from "./sentence";

/** The content of a form. */
export class Values {
    constructor(private readonly data: FormData) {}

    /** Returns the text of a field, without spaces around it. */
    text(name: string): string {
        return this.raw(name).trim();
    }

    /** Returns the text of a field as it was typed: a password, or a text in which spaces mean something. */
    raw(name: string): string {
        const value = this.data.get(name);
        return typeof value === "string" ? value : "";
    }

    /** Returns the digits of a field: people type a space between them, as the app shows them. */
    digits(name: string): string {
        return this.raw(name).replaceAll(/\s/g, "");
    }

    /** Returns the text of a field, or null if it is empty. */
    optional(name: string): string | null {
        return this.text(name) || null;
    }

    checked(name: string): boolean {
        return this.data.has(name);
    }

    /** Returns the values of all checked boxes with this name. */
    all(name: string): string[] {
        return this.data.getAll(name).filter((value) => typeof value === "string");
    }

    /** Returns a text that differs if any value differs, and tells none of them: one may be a password. */
    async digest(): Promise<string> {
        const text = JSON.stringify([...this.data.entries()].map(([name, value]) => [name, String(value)]));
        return String(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
    }
}

/** `send` throws it for what is wrong with fields. */
export class WrongFields extends Error {
    constructor(readonly found: Record<string, string>) {
        super();
    }
}

export type Sent = {
    values: Values;
    /** For `Idempotency-Key`. The same as long as the same values are sent. */
    key: string;
    /** For `If-Match`: the version that the fields showed. */
    etag: string | undefined;
};

export type Form = {
    /** What is wrong with each field, by its name. */
    errors: Signal<Record<string, string>>;
    /** What is wrong beside that. */
    problem: Signal<Problem | null>;
    isSending: ReadonlySignal<boolean>;
    /** The names of the fields on the page, and their labels. Fields add themselves. */
    labels: Map<string, string>;
    /** Notes which version the fields show. */
    isShown: () => void;
    submit: (event: SubmitEvent) => void;
};

type Options<T, R> = {
    /** Sends the form. */
    send: (sent: Sent) => Promise<R>;
    /** Runs after success. */
    done: (result: R, values: Values) => void | Promise<void>;
    /** Checks more than the fields do. Returns what is wrong, by name of the field. */
    check?: (values: Values) => Record<string, string>;
    /** Says it in other words, or at a field. Null: as the API says it. */
    explain?: (problem: Problem) => { field?: string; text: string } | null;
    /** The resource that the form changes: gives the ETag, and both versions if somebody else changed it. */
    resource?: Resource<T>;
    /** Returns the values of the fields for a version of `resource`. */
    show?: (value: T) => Record<string, string>;
};

/** Makes the state of one form. */
export const useForm = <T, R>(options: Options<T, R>): Form => {
    const current = useRef(options);
    current.current = options;
    return useMemo(() => formOf(() => current.current), []);
};

export const formOf = <T, R>(options: () => Options<T, R>): Form => {
    const errors = signal<Record<string, string>>({});
    const problem = signal<Problem | null>(null);
    const isSending = signal(false);
    const labels = new Map<string, string>();
    let key = crypto.randomUUID();
    let lastSent = "";
    // What a change is compared with: the version on the page, and not one that was loaded after the person began to write.
    let shown: { etag: string | undefined; fields: string | undefined } | undefined;

    const isShown = () => {
        const { resource, show } = options();
        const value = resource?.value.peek();
        shown = {
            etag: resource?.etag.peek() ?? undefined,
            fields: value === undefined ? undefined : JSON.stringify(show?.(value)),
        };
    };

    const refuse = async (form: HTMLFormElement, found: Record<string, string>) => {
        errors.value = found;
        // After the messages are on the page, so that they are read together with the field.
        await new Promise(requestAnimationFrame);
        firstWrong(form, found)?.focus();
    };

    const explain = async (form: HTMLFormElement, failed: Problem) => {
        const found: Record<string, string> = {};
        for (const error of failed.errors) {
            const name = error.pointer === undefined ? null : fieldOf(error.pointer, [...labels.keys()]);
            if (name !== null) found[name] ??= sentence(error.detail);
        }
        const own = options().explain?.(failed);
        if (own?.field !== undefined) found[own.field] = own.text;
        else if (own) failed.explanation = own.text;
        if (Object.keys(found).length > 0) await refuse(form, found);
        else problem.value = failed;
    };

    const send = async (form: HTMLFormElement, values: Values): Promise<{ result: R } | null> => {
        const { resource, show } = options();
        const digest = await values.digest();
        if (digest !== lastSent) key = crypto.randomUUID();
        lastSent = digest;
        try {
            return { result: await options().send({ values, key, etag: shown?.etag }) };
        } catch (error) {
            if (error instanceof WrongFields) throw error;
            const failed = Problem.from(error);
            if (failed.code !== "stale" || resource === undefined || show === undefined) throw failed;
            await resource.reload();
            if (resource.value.value === undefined || resource.problem.value !== null) throw failed;
            const before = shown;
            isShown();
            // Somebody changed something else.
            if (before?.fields === shown?.fields && before?.etag !== shown?.etag) return send(form, values);
            const theirs = show(resource.value.value);
            const { chooseVersion } = await import("../components/conflict");
            if (await chooseVersion({ labels, mine: values, theirs })) return send(form, values);
            form.reset();
            return null;
        }
    };

    const submit = async (event: SubmitEvent) => {
        event.preventDefault();
        const form = event.currentTarget;
        if (!(form instanceof HTMLFormElement) || isSending.value) return;
        const values = new Values(new FormData(form, event.submitter));
        problem.value = null;
        const found = { ...checkFields(form), ...options().check?.(values) };
        if (Object.keys(found).length > 0) return refuse(form, found);
        errors.value = {};
        isSending.value = true;
        try {
            const sent = await send(form, values);
            if (sent === null) return;
            lastSent = "";
            await options().done(sent.result, values);
            isShown();
        } catch (error) {
            if (error instanceof WrongFields) await refuse(form, error.found);
            else await explain(form, Problem.from(error));
        } finally {
            isSending.value = false;
        }
    };

    return { errors, problem, isSending, labels, isShown, submit: (event) => void submit(event) };
};

const isField = (element: Element): element is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement =>
    element instanceof HTMLInputElement ||
    element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement;

const firstWrong = (form: HTMLFormElement, found: Record<string, string>): HTMLElement | undefined =>
    [...form.elements].filter(isField).find((field) => field.name in found);

/** Returns what the browser finds wrong, in our words. */
const checkFields = (form: HTMLFormElement): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const field of [...form.elements].filter(isField)) {
        if (field.name !== "" && !field.validity.valid) found[field.name] ??= wordsFor(field);
    }
    return found;
};

const wordsFor = (field: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement): string => {
    const { valueMissing, typeMismatch, tooShort, tooLong } = field.validity;
    if (valueMissing) return field.type === "checkbox" ? texts.checkMissing : texts.missing;
    if (typeMismatch && field.type === "email") return texts.notAnAddress;
    if (typeMismatch && field.type === "url") return texts.notAUrl;
    if (tooShort && "minLength" in field) return texts.tooShort(field.minLength);
    if (tooLong && "maxLength" in field) return texts.tooLong(field.maxLength);
    return field.title || texts.notValid;
};
