// The messages of a conversation, as the API and the stream of an answer have them.

import type { components } from "../../api/schema";

export type Message = components["schemas"]["Message"];
export type Source = components["schemas"]["MessageSource"];
export type Mode = components["schemas"]["SourceMode"];
type Citation = components["schemas"]["Citation"];
type Status = components["schemas"]["MessageStatus"];
type Retrieval = components["schemas"]["Retrieval"];

export type Budget = { used: number; limit: number };

/** The first event of a stream. */
export type Begun = { messageId: string; userMessageId: string | null; model: string };
/** The last one, if the answer has not failed. */
export type Done = { status: Status; retrieval: Retrieval | null; citations: Citation[]; budget: Budget | null };

type Members = Record<string, unknown>;

const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null;

const isText = (value: unknown): value is string => typeof value === "string";

const isNumber = (value: unknown): value is number => typeof value === "number";

const isNothing = (value: unknown): value is null | undefined => value === null || value === undefined;

export const isBegun = (value: unknown): value is Begun =>
    isObject(value) &&
    isText(value.messageId) &&
    isText(value.model) &&
    (isNothing(value.userMessageId) || isText(value.userMessageId));

const isSource = (value: unknown): value is Source =>
    isObject(value) &&
    isNumber(value.n) &&
    isText(value.name) &&
    isText(value.chunkId) &&
    (isNothing(value.artifactId) || isText(value.artifactId)) &&
    (isNothing(value.page) || isNumber(value.page));

export const isSources = (value: unknown): value is Source[] => Array.isArray(value) && value.every(isSource);

export const isDelta = (value: unknown): value is { text: string } => isObject(value) && isText(value.text);

const STATUSES: readonly unknown[] = ["complete", "cancelled", "length", "interrupted"] satisfies Status[];
const RETRIEVALS: readonly unknown[] = ["none", "hybrid", "keyword-only", "unavailable"] satisfies Retrieval[];
const FAILURES: readonly unknown[] = [
    "model-unavailable",
    "model-timed-out",
    "model-rejected",
    "invalid-answer",
    "answer-cut",
    "deadline-exceeded",
] satisfies Message["failure"][];

const isCitation = (value: unknown): value is Citation =>
    isObject(value) && isNumber(value.n) && isNumber(value.start) && isNumber(value.end);

const isBudget = (value: unknown): value is Budget => isObject(value) && isNumber(value.used) && isNumber(value.limit);

export const isDone = (value: unknown): value is Done =>
    isObject(value) &&
    STATUSES.includes(value.status) &&
    (isNothing(value.retrieval) || RETRIEVALS.includes(value.retrieval)) &&
    Array.isArray(value.citations) &&
    value.citations.every(isCitation) &&
    (isNothing(value.budget) || isBudget(value.budget));

export const isFailure = (code: string): code is NonNullable<Message["failure"]> => FAILURES.includes(code);

// Ids are UUIDs of version 7, so their order is that of the messages. These two come after all of them, until the API has named the messages.
const QUESTION = "~1";
const ANSWER = "~2";

const message = (id: string, role: Message["role"], status: Status, content: string): Message => ({
    id,
    role,
    status,
    content,
    sources: [],
    citations: [],
    createdAt: new Date().toISOString(),
});

/** Returns a question and its empty answer, before the API knows them. */
export const asked = (content: string): [Message, Message] => [
    message(QUESTION, "user", "complete", content),
    message(ANSWER, "assistant", "streaming", ""),
];

/** Returns all messages in their order. One that is in both is taken from `newer`. */
export const merge = (list: readonly Message[], newer: readonly Message[]): Message[] => {
    const all = new Map([...list, ...newer].map((one) => [one.id, one]));
    return [...all.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
};

/** Returns the numbers of the sources that the answer may name: those that the API found in it, or all while it is written. */
export const citable = ({ status, sources, citations }: Message): ReadonlySet<number> =>
    new Set((status === "streaming" ? sources : citations).map(({ n }) => n));
