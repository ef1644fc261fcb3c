// The labels of an organization: few, so that all of them are loaded at once.

import { api, call } from "./client";
import { type Resource, useResource } from "./pages";
import type { components } from "./schema";

export type Label = components["schemas"]["Label"];

const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const loadAll = async (organizationId: string, signal: AbortSignal): Promise<Label[]> => {
    const labels: Label[] = [];
    let cursor: string | undefined;
    do {
        const { body } = await call(
            api.GET("/v1/organizations/{organizationId}/labels", {
                params: { path: { organizationId }, query: { limit: 100, cursor } },
                signal,
            }),
        );
        labels.push(...body.data);
        cursor = body.meta.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return labels.sort((a, b) => byName.compare(a.name, b.name));
};

/** Loads all labels, by name. */
export const useLabels = (organizationId: string): Resource<Label[]> =>
    useResource(
        async (signal) => ({ body: { data: await loadAll(organizationId, signal) }, etag: null, status: 200 }),
        [organizationId],
    );
