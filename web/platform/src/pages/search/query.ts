// What is searched for. It stands in the address, so that a search can be shared and "back" works.

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, call } from "../../api/client";
import { isId } from "../../api/id";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";

export type Mode = components["schemas"]["SearchMode"];
export type Found = components["schemas"]["SearchResponse"];
export type Match = components["schemas"]["SearchMatch"];

export const MODES = ["keyword", "hybrid", "semantic"] as const satisfies readonly Mode[];
export const MAX_QUERY = 1_000;
const LIMIT = 20;
const MAX_LIMIT = 50;

export type Query = {
    text: string;
    mode: Mode;
    label: string | undefined;
    artifact: string | undefined;
    /** Shows as many results as the API gives. */
    isLong: boolean;
};

const idOf = (value: string | undefined): string | undefined => (isId(value ?? "") ? value : undefined);

/** Reads the query of the address. */
export const queryOf = ({ q, mode, label, artifact, all }: Record<string, string | undefined>): Query => ({
    text: (q ?? "").slice(0, MAX_QUERY),
    mode: MODES.find((known) => known === mode) ?? "keyword",
    label: idOf(label),
    artifact: idOf(artifact),
    isLong: all !== undefined,
});

/** Returns the address of a search. */
export const withQuery = (path: string, { text, mode, label, artifact, isLong }: Query): string => {
    const query = new URLSearchParams();
    if (text !== "") query.set("q", text);
    if (mode !== "keyword") query.set("mode", mode);
    if (label !== undefined) query.set("label", label);
    if (artifact !== undefined) query.set("artifact", artifact);
    if (isLong) query.set("all", "");
    return query.size === 0 ? path : `${path}?${query}`;
};

/** An answer, and the query that it belongs to. */
export type Answer = { query: Query; found: Found; limit: number };

/** Searches when the query changes. Only the answer to the newest query counts. The old one stays until then. */
export const useSearch = (organizationId: string, query: Query) => {
    const search = useMemo(() => searchOf(organizationId), [organizationId]);
    const { text, mode, label, artifact, isLong } = query;
    useEffect(() => {
        search.run(query);
        return search.stop;
    }, [search, text, mode, label, artifact, isLong]);
    return search;
};

const searchOf = (organizationId: string) => {
    const answer = signal<Answer | null>(null);
    const problem = signal<Problem | null>(null);
    const isSearching = signal(false);
    let current: AbortController | null = null;
    const stop = () => {
        current?.abort();
        current = null;
        isSearching.value = false;
    };
    const run = (query: Query) => {
        stop();
        problem.value = null;
        if (query.text.trim() === "") {
            answer.value = null;
            return;
        }
        const mine = new AbortController();
        current = mine;
        isSearching.value = true;
        void ask(query, mine.signal);
    };
    const ask = async (query: Query, signal: AbortSignal) => {
        const limit = query.isLong ? MAX_LIMIT : LIMIT;
        try {
            const { body } = await call(
                api.POST("/v1/organizations/{organizationId}/search", {
                    params: { path: { organizationId } },
                    body: {
                        query: query.text,
                        mode: query.mode,
                        limit,
                        labels: query.label === undefined ? null : [query.label],
                        artifactIds: query.artifact === undefined ? null : [query.artifact],
                    },
                    signal,
                }),
            );
            if (signal.aborted) return;
            answer.value = { query, found: body, limit };
        } catch (error) {
            if (signal.aborted) return;
            problem.value = Problem.from(error);
        }
        isSearching.value = false;
    };
    return { answer, problem, isSearching, run, stop };
};

/** Tells whether the API may have more results than it has given. */
export const mayHaveMore = ({ found, limit }: Answer): boolean => limit < MAX_LIMIT && found.data.length === limit;
