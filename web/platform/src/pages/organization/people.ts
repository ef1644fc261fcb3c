// The names of the people in an organization, by their ids.

import { type Signal, signal } from "@preact/signals";
import { api, call } from "../../api/client";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { organization as texts } from "../../texts";

export type Member = components["schemas"]["Member"];

type People = {
    /** Returns the name of a user; `undefined` before it is known. Asks the API for names that are not known. */
    nameOf: (userId: string) => string | undefined;
    /** Returns the id of the member with this e-mail address. */
    find: (email: string) => Promise<string | undefined>;
};

const PAGE = 100;

const known = new Map<string, People>();

/** Returns the people of an organization. Their names are kept until the page is loaded again. */
export const peopleOf = (organizationId: string): People => {
    const people = known.get(organizationId) ?? make(organizationId);
    known.set(organizationId, people);
    return people;
};

const make = (organizationId: string): People => {
    const names: Signal<Readonly<Record<string, string>>> = signal({});
    const asked = new Set<string>();
    let first: Promise<unknown> | undefined;

    const page = async (cursor?: string) => {
        const params = { path: { organizationId }, query: { limit: PAGE, cursor } };
        const { body } = await call(api.GET("/v1/organizations/{organizationId}/members", { params }));
        names.value = { ...names.value, ...Object.fromEntries(body.data.map(({ id, name }) => [id, name])) };
        return body;
    };
    const ask = async (userId: string) => {
        first ??= page();
        await first;
        if (names.peek()[userId] !== undefined) return;
        const params = { path: { organizationId, memberId: userId } };
        try {
            const { body } = await call(api.GET("/v1/organizations/{organizationId}/members/{memberId}", { params }));
            names.value = { ...names.value, [userId]: body.data.name };
        } catch (error) {
            const isGone = Problem.from(error).code === "member-not-found";
            if (isGone) names.value = { ...names.value, [userId]: texts.noMember };
        }
    };
    const nameOf = (userId: string) => {
        if (userId !== "" && !asked.has(userId)) {
            asked.add(userId);
            // Without an answer, the page shows the id.
            ask(userId).catch(() => undefined);
        }
        return names.value[userId];
    };
    const find = async (email: string) => {
        let cursor: string | undefined;
        do {
            const { data, meta } = await page(cursor);
            const found = data.find((member) => member.email.toLowerCase() === email.trim().toLowerCase());
            if (found) return found.id;
            cursor = meta.nextCursor ?? undefined;
        } while (cursor !== undefined);
        return undefined;
    };
    return { nameOf, find };
};
