// The names of the people in an organization, by their ids.

import { api, call } from "../../api/client";
import { type Names, namesFrom, RETRY_AFTER } from "../../api/names";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { whenUserChanges } from "../../api/session";
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
whenUserChanges(() => known.clear());

/** Returns the people of an organization. Their names are kept until the page is loaded again. */
export const peopleOf = (organizationId: string): People => {
    const people = known.get(organizationId) ?? make(organizationId);
    known.set(organizationId, people);
    return people;
};

const make = (organizationId: string): People => {
    let first: Promise<Record<string, string>> | undefined;

    const page = async (cursor?: string) => {
        const params = { path: { organizationId }, query: { limit: PAGE, cursor } };
        const { body } = await call(api.GET("/v1/organizations/{organizationId}/members", { params }));
        names.learn(namesIn(body.data));
        return body;
    };
    const loadFirst = async () => {
        try {
            return namesIn((await page()).data);
        } catch (error) {
            // Those who wait now do not each ask once more.
            setTimeout(() => {
                first = undefined;
            }, RETRY_AFTER);
            throw error;
        }
    };
    const ask = async (userId: string): Promise<string> => {
        first ??= loadFirst();
        return (await first)[userId] ?? nameOfMember(organizationId, userId);
    };
    const names: Names = namesFrom(ask);
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
    return { nameOf: names.nameOf, find };
};

const namesIn = (members: readonly Member[]): Record<string, string> =>
    Object.fromEntries(members.map(({ id, name }) => [id, name]));

const nameOfMember = async (organizationId: string, memberId: string): Promise<string> => {
    const params = { path: { organizationId, memberId } };
    try {
        const { body } = await call(api.GET("/v1/organizations/{organizationId}/members/{memberId}", { params }));
        return body.data.name;
    } catch (error) {
        if (Problem.from(error).code === "member-not-found") return texts.noMember;
        throw error;
    }
};
