// Names of people, by their ids. What the API tells about people often has only their ids.

import { signal } from "@preact/signals";
import { Problem } from "./problem";

export type Names = {
    /** Returns a name; `undefined` before it is known. Asks for a name that is not known. */
    nameOf: (userId: string) => string | undefined;
    /** Takes over names that came with something else. */
    learn: (names: Readonly<Record<string, string>>) => void;
    /** Asks for no more of those that wait. */
    stop: () => void;
};

/** Requests at the same time, so that a page with many people does not reach the limit of requests at once. */
const AT_ONCE = 2;
/** A request that failed is repeated by a rendering that comes this much later. */
export const RETRY_AFTER = 5_000;

/** Makes an empty store of names. `ask` asks the API for one. */
export const namesFrom = (ask: (userId: string) => Promise<string>): Names => {
    const known = signal<Readonly<Record<string, string>>>({});
    /** When each may be asked for again. */
    const asked = new Map<string, number>();
    let waiting: string[] = [];
    let running = 0;

    const find = async (userId: string) => {
        try {
            const name = known.peek()[userId] ?? (await ask(userId));
            names.learn({ [userId]: name });
        } catch (error) {
            if (Problem.from(error).mayPass) asked.set(userId, Date.now() + RETRY_AFTER);
        }
    };
    const work = async () => {
        running += 1;
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await find(next);
        running -= 1;
    };
    const names: Names = {
        nameOf: (userId) => {
            if (userId !== "" && (asked.get(userId) ?? 0) <= Date.now()) {
                asked.set(userId, Number.POSITIVE_INFINITY);
                waiting.push(userId);
                if (running < AT_ONCE) void work();
            }
            return known.value[userId];
        },
        learn: (more) => {
            const isNew = Object.entries(more).some(([id, name]) => known.peek()[id] !== name);
            if (isNew) known.value = { ...known.peek(), ...more };
        },
        stop: () => {
            for (const userId of waiting) asked.delete(userId);
            waiting = [];
        },
    };
    return names;
};
