// Keeps the rows of the list current while artifacts are processed.

import { useRef } from "preact/hooks";
import { api, call } from "../../api/client";
import type { List } from "../../api/pages";
import { Problem } from "../../api/problem";
import { say } from "../../components/toast";
import { artifacts as texts } from "../../texts";
import { usePolling } from "./polling";
import { isMoving } from "./status";
import type { Artifact } from "./uploads";

/** Rows that the newest page does not have are asked for one by one: so many each time. */
const SINGLE = 5;

export const useFollow = (organizationId: string, list: List<Artifact>): void => {
    const turn = useRef(0);
    const moving = list.items.value.filter(isMoving);
    usePolling(moving.length > 0, async (signal) => {
        const asked = new Set(list.items.peek());
        const fresh = await load(organizationId, moving, turn.current++, signal);
        const before = list.items.peek();
        // A row that was changed here during the request is newer than the answer.
        const after = before
            .filter((row) => !asked.has(row) || fresh.get(row.id) !== null)
            .map((row) => (asked.has(row) && fresh.get(row.id)) || row);
        list.items.value = after;
        announce(before, after);
        return JSON.stringify(before) !== JSON.stringify(after);
    });
};

/** Loads artifacts: most with one request, because many are added together. Null stands for one that is deleted. */
const load = async (
    organizationId: string,
    wanted: readonly Artifact[],
    turn: number,
    signal: AbortSignal,
): Promise<Map<string, Artifact | null>> => {
    const { body } = await call(
        api.GET("/v1/organizations/{organizationId}/artifacts", {
            params: { path: { organizationId }, query: { limit: 100 } },
            signal,
        }),
    );
    const found = new Map<string, Artifact | null>(body.data.map((artifact) => [artifact.id, artifact]));
    const missing = wanted.filter(({ id }) => !found.has(id));
    // Begins one further each time, so that every row gets its turn.
    const first = turn % Math.max(1, missing.length);
    const next = [...missing.slice(first), ...missing.slice(0, first)].slice(0, SINGLE);
    await Promise.all(next.map(async ({ id }) => found.set(id, await loadOne(organizationId, id, signal))));
    return found;
};

const loadOne = async (organizationId: string, artifactId: string, signal: AbortSignal): Promise<Artifact | null> => {
    const path = { organizationId, artifactId };
    try {
        const { body } = await call(
            api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path }, signal }),
        );
        return body.data;
    } catch (error) {
        if (Problem.from(error).code === "artifact-not-found") return null;
        throw error;
    }
};

/** Says which artifacts have come to their end. */
const announce = (before: readonly Artifact[], after: readonly Artifact[]) => {
    const wasMoving = new Set(before.filter(isMoving).map(({ id }) => id));
    const ended = after.filter((row) => wasMoving.has(row.id) && !isMoving(row));
    const ready = ended.filter(({ status }) => status === "ready");
    const [first] = ready;
    if (first) say(ready.length === 1 ? texts.isReady(first.name) : texts.areReady(ready.length));
    for (const { name } of ended.filter(({ status }) => status === "failed").slice(0, 2)) say(texts.hasFailed(name));
};
