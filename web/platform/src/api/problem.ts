import type { components } from "./schema";

type ProblemBody = components["schemas"]["Problem"];
type FieldError = components["schemas"]["FieldError"];

/** A request that failed: a refusal of the API, or no answer at all. */
export class Problem extends Error {
    /** The last part of the problem's `type`, such as `email-taken`. `offline`, `timeout` and `aborted` are our own. */
    readonly code: string;
    readonly status: number;
    readonly requestId: string | null;
    readonly errors: readonly FieldError[];
    /** The seconds after which it makes sense to try again. */
    readonly retryAfter: number | null;
    readonly body: ProblemBody | null;
    /** What a page says instead of the usual words. */
    explanation: string | null = null;

    private constructor(code: string, detail: string, status: number, body: ProblemBody | null, response?: Response) {
        super(detail);
        this.code = code;
        this.status = status;
        this.body = body;
        this.errors = body?.errors ?? [];
        this.requestId = body?.requestId ?? response?.headers.get("x-request-id") ?? null;
        const seconds = Number(response?.headers.get("retry-after") ?? Number.NaN);
        this.retryAfter = Number.isFinite(seconds) ? seconds : null;
    }

    /** Whether the same request may succeed later. */
    get mayPass(): boolean {
        return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
    }

    /** Makes a problem of a response that is not 2xx. */
    static of(response: Response, body: unknown): Problem {
        if (!isProblemBody(body))
            return new Problem("unexpected", response.statusText, response.status, null, response);
        return new Problem(codeOf(body.type), body.detail, response.status, body, response);
    }

    /** Makes the problem of a person who is not signed in. */
    static signedOut(): Problem {
        return new Problem("unauthenticated", "", 401, null);
    }

    /** Makes a problem of what `fetch` throws. */
    static from(error: unknown): Problem {
        if (error instanceof Problem) return error;
        const name = error instanceof Error ? error.name : "";
        if (name === "TimeoutError") return new Problem("timeout", "", 0, null);
        if (name === "AbortError") return new Problem("aborted", "", 0, null);
        return new Problem("offline", "", 0, null);
    }
}

const isProblemBody = (value: unknown): value is ProblemBody =>
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "detail" in value;

const codeOf = (type: string): string => type.slice(type.lastIndexOf("/") + 1);

/** Returns the name of the field that a JSON Pointer is about: `/email` is `email`, `/scopes/1` is `scopes`. */
export const fieldOf = (pointer: string, fields: readonly string[]): string | null => {
    const parts = pointer
        .split("/")
        .slice(1)
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    for (let length = parts.length; length > 0; length--) {
        const name = parts.slice(0, length).join("/");
        if (fields.includes(name)) return name;
    }
    return null;
};
