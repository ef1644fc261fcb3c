// The text of an artifact, which the API returns in pieces around one chunk.

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, call } from "../../api/client";
import { Problem } from "../../api/problem";
import type { Chunk } from "./pieces";

/** The API returns so many chunks before and after the one in the middle. */
const NEIGHBOURS = 5;

export type Passages = {
    /** In the order of the text, without gaps. Undefined before they are loaded. */
    chunks: ReadonlySignal<readonly Chunk[] | undefined>;
    total: ReadonlySignal<number>;
    problem: ReadonlySignal<Problem | null>;
    isLoading: ReadonlySignal<boolean>;
    /** The chunk that was asked for is not there. The beginning is shown. */
    isGone: ReadonlySignal<boolean>;
    hasBefore: ReadonlySignal<boolean>;
    hasAfter: ReadonlySignal<boolean>;
    load: () => Promise<void>;
    loadBefore: () => Promise<void>;
    loadAfter: () => Promise<void>;
};

/** Loads the text around a chunk, or its beginning. */
export const usePassages = (organizationId: string, artifactId: string, chunkId: string | undefined): Passages => {
    const [passages, stop] = useMemo(
        () => passagesOf({ organizationId, artifactId }, chunkId),
        [organizationId, artifactId, chunkId],
    );
    useEffect(() => {
        void passages.load();
        return stop;
    }, [passages, stop]);
    return passages;
};

type Path = { organizationId: string; artifactId: string };

const passagesOf = (path: Path, chunkId: string | undefined): [Passages, () => void] => {
    const chunks = signal<readonly Chunk[] | undefined>(undefined);
    const total = signal(0);
    const problem = signal<Problem | null>(null);
    const isLoading = signal(false);
    const isGone = signal(false);
    const stop = new AbortController();
    const first = () => chunks.value?.[0]?.ordinal ?? 0;
    const last = () => chunks.value?.at(-1)?.ordinal ?? -1;

    const get = async (around: string | undefined) => {
        const { body } = await call(
            api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}/chunks", {
                params: { path, query: { around } },
                signal: stop.signal,
            }),
        );
        return body.data;
    };
    const attempt = async (work: () => Promise<void>) => {
        if (isLoading.value) return;
        isLoading.value = true;
        problem.value = null;
        try {
            await work();
        } catch (error) {
            if (!stop.signal.aborted) problem.value = Problem.from(error);
        }
        isLoading.value = false;
    };
    const load = () =>
        attempt(async () => {
            const found = await get(chunkId).catch((error: unknown) => {
                if (chunkId === undefined || !isMissing(error)) throw error;
                isGone.value = true;
                return get(undefined);
            });
            batch(() => {
                chunks.value = found.chunks;
                total.value = found.total;
            });
        });
    const loadBefore = () =>
        attempt(async () => {
            const found = await get(String(Math.max(0, first() - 1 - NEIGHBOURS)));
            const before = found.chunks.filter(({ ordinal }) => ordinal < first());
            chunks.value = [...before, ...(chunks.value ?? [])];
        });
    const loadAfter = () =>
        attempt(async () => {
            const found = await get(String(Math.min(total.value - 1, last() + 1 + NEIGHBOURS)));
            const after = found.chunks.filter(({ ordinal }) => ordinal > last());
            chunks.value = [...(chunks.value ?? []), ...after];
        });
    const hasBefore = computed(() => first() > 0);
    const hasAfter = computed(() => chunks.value !== undefined && last() < total.value - 1);
    const passages = { chunks, total, problem, isLoading, isGone, hasBefore, hasAfter, load, loadBefore, loadAfter };
    return [passages, () => stop.abort()];
};

// A link can also have something that is no id.
const isMissing = (error: unknown): boolean => ["chunk-not-found", "invalid-query"].includes(Problem.from(error).code);
