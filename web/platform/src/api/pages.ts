// What a page shows of the API: one resource, or a list that is loaded in pages.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Answer } from "./client";
import { Problem } from "./problem";

export type Loading = "loading" | "ready" | "failed";

/** One resource. */
export type Resource<T> = {
    value: Signal<T | undefined>;
    /** For `If-Match`. */
    etag: Signal<string | null>;
    state: ReadonlySignal<Loading>;
    problem: ReadonlySignal<Problem | null>;
    /** Loads it again. Shows the old value until then. Does not throw. */
    reload: () => Promise<void>;
    /** Takes over what a change returned. */
    set: (answer: Answer<{ data: T }>) => void;
};

/** A list. */
export type List<T> = {
    items: Signal<T[]>;
    state: ReadonlySignal<Loading>;
    problem: ReadonlySignal<Problem | null>;
    hasMore: ReadonlySignal<boolean>;
    isLoadingMore: ReadonlySignal<boolean>;
    loadMore: () => Promise<void>;
    /** Loads the first page again. Shows the old rows until then. Does not throw. */
    reload: () => Promise<void>;
    /** Does again what has failed. Does not throw. */
    retry: () => Promise<void>;
};

type Page<T> = { data: T[]; meta: { nextCursor?: string | null } };

/** Loads one resource when the page opens, and again when one of `inputs` changes. */
export const useResource = <T>(
    load: (signal: AbortSignal) => Promise<Answer<{ data: T }>>,
    inputs: readonly unknown[],
): Resource<T> => {
    const [resource, stop] = useMemo(() => resourceOf(load), inputs);
    useEffect(() => {
        void resource.reload();
        return stop;
    }, [resource, stop]);
    return resource;
};

const resourceOf = <T>(load: (signal: AbortSignal) => Promise<Answer<{ data: T }>>): [Resource<T>, () => void] => {
    const value = signal<T | undefined>(undefined);
    const etag = signal<string | null>(null);
    const problem = signal<Problem | null>(null);
    const state = computed<Loading>(() => stateOf(problem.value, value.value !== undefined));
    const latest = onlyLatest();
    const set = (answer: Answer<{ data: T }>) =>
        batch(() => {
            value.value = answer.body.data;
            etag.value = answer.etag;
            problem.value = null;
        });
    const reload = () => latest(load, set, (failed) => (problem.value = failed));
    return [{ value, etag, state, problem, reload, set }, latest.stop];
};

/** Loads a list when the page opens, and again when one of `inputs` changes. */
export const useList = <T>(
    load: (page: { cursor?: string | undefined }, signal: AbortSignal) => Promise<Answer<Page<T>>>,
    inputs: readonly unknown[],
): List<T> => {
    const [list, stop] = useMemo(() => listOf(load), inputs);
    useEffect(() => {
        void list.reload();
        return stop;
    }, [list, stop]);
    return list;
};

export const listOf = <T>(
    load: (page: { cursor?: string | undefined }, signal: AbortSignal) => Promise<Answer<Page<T>>>,
): [List<T>, () => void] => {
    const items = signal<T[]>([]);
    const cursor = signal<string | null>(null);
    const isLoaded = signal(false);
    const isLoadingMore = signal(false);
    const problem = signal<Problem | null>(null);
    const state = computed<Loading>(() => stateOf(problem.value, isLoaded.value));
    const hasMore = computed(() => cursor.value !== null);
    const latest = onlyLatest();
    let reloading: Promise<void> | null = null;
    let hasMoreFailed = false;
    const show = (rows: T[], { body }: Answer<Page<T>>) =>
        batch(() => {
            items.value = rows;
            cursor.value = body.meta.nextCursor ?? null;
            isLoaded.value = true;
            problem.value = null;
        });
    const fail = (failed: Problem, isMore: boolean) => {
        hasMoreFailed = isMore;
        problem.value = failed;
    };
    const reload = () => {
        reloading = latest(
            (signal) => load({}, signal),
            (answer) => show(answer.body.data, answer),
            (failed) => fail(failed, false),
        );
        return reloading;
    };
    const loadMore = async () => {
        if (isLoadingMore.value) return;
        isLoadingMore.value = true;
        // It would be stopped, and it may change the cursor.
        await reloading;
        const next = cursor.value;
        if (next !== null) {
            await latest(
                (signal) => load({ cursor: next }, signal),
                (answer) => show([...items.value, ...answer.body.data], answer),
                (failed) => fail(failed, true),
            );
        }
        isLoadingMore.value = false;
    };
    const retry = () => (hasMoreFailed ? loadMore() : reload());
    return [{ items, state, problem, hasMore, isLoadingMore, loadMore, reload, retry }, latest.stop];
};

const stateOf = (problem: Problem | null, isLoaded: boolean): Loading => {
    if (problem !== null) return "failed";
    return isLoaded ? "ready" : "loading";
};

type Latest = {
    <T>(
        load: (signal: AbortSignal) => Promise<T>,
        show: (value: T) => void,
        fail: (problem: Problem) => void,
    ): Promise<void>;
    stop: () => void;
};

/** Makes a function that drops what is not the latest request any more. */
const onlyLatest = (): Latest => {
    let current: AbortController | null = null;
    const run: Latest = async (load, show, fail) => {
        current?.abort();
        const mine = new AbortController();
        current = mine;
        try {
            const value = await load(mine.signal);
            if (current === mine) show(value);
        } catch (error) {
            if (current === mine) fail(Problem.from(error));
        }
    };
    run.stop = () => {
        current?.abort();
        current = null;
    };
    return run;
};
