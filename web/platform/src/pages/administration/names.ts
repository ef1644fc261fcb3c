// The names of the people in the audit log. An event has only their ids, because it outlives them.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, call } from "../../api/client";

/** Requests at the same time, so that a page with many people does not reach the limit of requests at once. */
const AT_ONCE = 2;

type Names = { nameOf: (userId: string) => string | undefined; stop: () => void };

const namesOf = (): Names => {
    const names = signal<Readonly<Record<string, string>>>({});
    const asked = new Set<string>();
    let waiting: string[] = [];
    let running = 0;

    const ask = async (userId: string) => {
        const { body } = await call(api.GET("/v1/users/{userId}", { params: { path: { userId } } }));
        names.value = { ...names.value, [userId]: body.data.name };
    };
    const work = async () => {
        running += 1;
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            // A person who is not found keeps the id.
            await ask(next).catch(() => undefined);
        }
        running -= 1;
    };
    return {
        nameOf: (userId) => {
            if (userId !== "" && !asked.has(userId)) {
                asked.add(userId);
                waiting.push(userId);
                if (running < AT_ONCE) void work();
            }
            return names.value[userId];
        },
        stop: () => {
            waiting = [];
        },
    };
};

/** Returns the function that knows a name, or asks for it: then it is known at a later rendering. */
export const useNames = (): Names["nameOf"] => {
    const names = useMemo(namesOf, []);
    useEffect(() => names.stop, [names]);
    return names.nameOf;
};
