// Conversations that are open in this tab: they ask, follow the answer while it is written, and stop it. They outlive their page, so that an
// answer goes on while the person looks at another one.

import { batch, signal } from "@preact/signals";
import { beforeSignOut, sendLast } from "../../api/account";
import { api, call, stream } from "../../api/client";
import { Problem } from "../../api/problem";
import { whenUserChanges } from "../../api/session";
import { chat as texts } from "../../texts";
import { readEvents, type ServerEvent } from "./events";
import {
    asked,
    type Budget,
    isBegun,
    isDelta,
    isDone,
    isFailure,
    isSources,
    type Message,
    type Mode,
} from "./messages";

export type ConversationPath = { organizationId: string; conversationId: string };

/** Between two looks at an answer whose stream this tab does not have. */
const POLL_DELAY = 2_000;
const MAX_POLL_DELAY = 10_000;

/** Returns the path of a conversation at the API. The ids come from the address of the page. */
const urlOf = ({ organizationId, conversationId }: ConversationPath): string =>
    `/v1/organizations/${encodeURIComponent(organizationId)}/conversations/${encodeURIComponent(conversationId)}`;

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

/** What one call of `ask` knows. */
type Asking = {
    /** The ids of the question and its answer on the page. */
    questionId: string;
    answerId: string;
    /** Whether the API has taken the question. */
    hasBegun: boolean;
    hasEnded: boolean;
    text: string;
    timer: ReturnType<typeof setTimeout> | undefined;
    /** A sign-out need not stop it any more. */
    settle: () => void;
};

export class LiveConversation {
    /** Messages that are newer than the list of the page, or know more. */
    readonly messages = signal<readonly Message[]>([]);
    readonly isWriting = signal(false);
    readonly isStopping = signal(false);
    /** Why the last question was not taken, or its answer not stopped. */
    readonly problem = signal<Problem | null>(null);
    /** The failure of an answer, with the id of its request. */
    readonly failure = signal<{ answerId: string; problem: Problem } | null>(null);
    readonly budget = signal<Budget | null>(null);
    /** What the person is writing. */
    readonly draft = signal("");
    /** Whether passages of artifacts are searched for the next answer. */
    readonly mode = signal<Mode>("auto");

    #lastSent = "";
    #key = "";
    #asking: Asking | null = null;
    /** The answer that `#poll` waits for. */
    #polled: string | null = null;
    readonly #left = new AbortController();

    constructor(private readonly path: ConversationPath) {}

    /** Asks, and returns when the answer has ended. If the API does not take the question, it becomes the draft again. */
    async ask(content: string): Promise<void> {
        if (this.isWriting.value) return;
        const body = JSON.stringify({ content, sources: { mode: this.mode.value } });
        // The same question after a failure is the same request.
        if (body !== this.#lastSent) this.#key = crypto.randomUUID();
        this.#lastSent = body;
        const [question, answer] = asked(content);
        const asking: Asking = {
            questionId: question.id,
            answerId: answer.id,
            hasBegun: false,
            hasEnded: false,
            text: "",
            timer: undefined,
            settle: () => undefined,
        };
        this.#asking = asking;
        batch(() => {
            this.messages.value = [...this.messages.value, question, answer];
            this.problem.value = null;
            this.isWriting.value = true;
            this.isStopping.value = false;
            this.draft.value = "";
        });
        let problem: Problem | null = null;
        try {
            await this.#read(asking, body);
        } catch (error) {
            problem = Problem.from(error);
        }
        clearTimeout(asking.timer);
        if (this.#left.signal.aborted) return;
        if (asking.hasBegun) {
            this.#lastSent = "";
            this.#show(asking);
            // The connection has ended before the answer.
            if (!asking.hasEnded) await this.#poll(asking.answerId);
        } else {
            batch(() => {
                const refused = [question.id, answer.id];
                this.messages.value = this.messages.value.filter(({ id }) => !refused.includes(id));
                this.problem.value = problem ?? Problem.from(null);
                this.draft.value ||= content;
            });
        }
        this.#asking = null;
        asking.settle();
        this.isWriting.value = false;
    }

    /** Follows an answer that is written for another tab, or was when this page was loaded. */
    async follow(answerId: string): Promise<void> {
        if (this.isWriting.value) return;
        this.isWriting.value = true;
        this.isStopping.value = false;
        await this.#poll(answerId);
        batch(() => {
            this.isWriting.value = false;
            if (this.problem.value?.code === "answer-in-progress") this.problem.value = null;
        });
    }

    /** Stops the answer. It ends some moments later. */
    async stop(): Promise<void> {
        this.isStopping.value = true;
        const answerId = this.#asking === null ? this.#polled : this.#asking.hasBegun && this.#asking.answerId;
        // Otherwise it is stopped as soon as it has begun.
        if (!answerId) return;
        try {
            const path = { ...this.path, messageId: answerId };
            const cancel =
                "/v1/organizations/{organizationId}/conversations/{conversationId}/messages/{messageId}/cancel";
            await call(api.POST(cancel, { params: { path } }));
        } catch (error) {
            const problem = Problem.from(error);
            if (problem.code === "not-streaming") return;
            batch(() => {
                this.isStopping.value = false;
                this.problem.value = problem;
            });
        }
    }

    /** Stops an answer that only this tab shows: the page is closed. */
    leave(): void {
        const asking = this.#asking;
        if (asking?.hasBegun && !asking.hasEnded) sendLast(this.#cancelling(asking.answerId)).catch(() => undefined);
    }

    /** Returns the path that stops an answer. */
    #cancelling(answerId: string): string {
        return `${urlOf(this.path)}/messages/${answerId}/cancel`;
    }

    /** Forgets the answer: the session has ended. */
    forget(): void {
        this.#left.abort();
        this.#asking?.settle();
    }

    async #read(asking: Asking, body: string): Promise<void> {
        const response = await stream(`${urlOf(this.path)}/answers`, {
            method: "POST",
            headers: {
                accept: "text/event-stream",
                "content-type": "application/json",
                "idempotency-key": this.#key,
            },
            body,
            signal: this.#left.signal,
        });
        if (response.body === null) return;
        for await (const event of readEvents(response.body)) {
            this.#take(asking, event, response);
            if (asking.hasEnded) return;
        }
    }

    #take(asking: Asking, event: ServerEvent, response: Response): void {
        const data: unknown = JSON.parse(event.data);
        if (event.name === "message" && isBegun(data)) {
            this.#change(asking.questionId, { id: data.userMessageId ?? asking.questionId });
            this.#change(asking.answerId, { id: data.messageId, model: data.model });
            asking.questionId = data.userMessageId ?? asking.questionId;
            asking.answerId = data.messageId;
            asking.hasBegun = true;
            asking.settle = beforeSignOut(this.#cancelling(data.messageId));
            if (this.isStopping.value) void this.stop();
        } else if (event.name === "sources" && isSources(data)) {
            this.#change(asking.answerId, { sources: data });
        } else if (event.name === "delta" && isDelta(data)) {
            asking.text += data.text;
            // A long text takes longer to show.
            asking.timer ??= setTimeout(() => this.#show(asking), 40 + asking.text.length / 400);
        } else if (event.name === "done" && isDone(data)) {
            const { status, retrieval, citations, budget } = data;
            this.#end(asking, { status, retrieval, citations });
            this.budget.value = budget;
        } else if (event.name === "error") {
            const problem = Problem.of(response, data);
            this.failure.value = { answerId: asking.answerId, problem };
            if (isFailure(problem.code)) {
                problem.explanation = texts.failures[problem.code];
                this.#end(asking, { status: "failed", failure: problem.code });
            } else {
                // Its end could not be stored.
                this.#end(asking, { status: "interrupted" });
            }
        }
    }

    #end(asking: Asking, change: Partial<Message>): void {
        asking.hasEnded = true;
        this.#show(asking, change);
        // The stored message also has the texts of the passages.
        if (asking.hasBegun && change.status !== "interrupted") void this.#load(asking.answerId).catch(() => undefined);
    }

    #show(asking: Asking, change: Partial<Message> = {}): void {
        clearTimeout(asking.timer);
        asking.timer = undefined;
        this.#change(asking.answerId, { content: asking.text, ...change });
    }

    #change(id: string, change: Partial<Message>): void {
        this.messages.value = this.messages.value.map((one) => (one.id === id ? { ...one, ...change } : one));
    }

    async #poll(answerId: string): Promise<void> {
        this.#polled = answerId;
        let delay = POLL_DELAY;
        while (!this.#left.signal.aborted) {
            await pause(delay);
            try {
                if ((await this.#load(answerId)).status !== "streaming") break;
                delay = POLL_DELAY;
            } catch (error) {
                const problem = Problem.from(error);
                if (!problem.mayPass) {
                    // It was deleted, if it is not found.
                    if (problem.status !== 404) this.problem.value = problem;
                    break;
                }
                delay = MAX_POLL_DELAY;
            }
        }
        this.#polled = null;
    }

    async #load(messageId: string): Promise<Message> {
        const path = { ...this.path, messageId };
        const message = "/v1/organizations/{organizationId}/conversations/{conversationId}/messages/{messageId}";
        const { body } = await call(api.GET(message, { params: { path }, signal: this.#left.signal }));
        this.messages.value = [...this.messages.value.filter(({ id }) => id !== messageId), body.data];
        return body.data;
    }
}

const all = new Map<string, LiveConversation>();

/** Returns the conversation, which is the same one as long as the session lasts. */
export const liveConversation = (path: ConversationPath): LiveConversation => {
    const found = all.get(path.conversationId);
    if (found !== undefined) return found;
    const made = new LiveConversation(path);
    all.set(path.conversationId, made);
    return made;
};

addEventListener("pagehide", () => {
    for (const one of all.values()) one.leave();
});

whenUserChanges(() => {
    for (const one of all.values()) one.forget();
    all.clear();
});
