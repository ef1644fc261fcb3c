// Server-sent events (HTML Living Standard, section 9.2), from the body of a response.

export type ServerEvent = { id: string; name: string; data: string };

/** Makes events of pieces of text, which may end anywhere. */
export class EventParser {
    #rest = "";
    #endedWithReturn = false;
    #id = "";
    #name = "";
    #data: string[] = [];

    /** Takes the next piece. Returns the events that it completes. */
    push(text: string): ServerEvent[] {
        if (text === "") return [];
        // A line may end with both, each in a piece of its own.
        const more = this.#endedWithReturn && text.startsWith("\n") ? text.slice(1) : text;
        this.#endedWithReturn = text.endsWith("\r");
        const lines = (this.#rest + more).split(/\r\n|\r|\n/);
        this.#rest = lines.pop() ?? "";
        return lines.map((line) => this.#take(line)).filter((event) => event !== null);
    }

    #take(line: string): ServerEvent | null {
        if (line === "") return this.#finish();
        const colon = line.indexOf(":");
        // It begins a comment.
        if (colon === 0) return null;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "data") this.#data.push(value);
        if (field === "event") this.#name = value;
        if (field === "id" && !value.includes("\0")) this.#id = value;
        return null;
    }

    #finish(): ServerEvent | null {
        const event = { id: this.#id, name: this.#name || "message", data: this.#data.join("\n") };
        const isEmpty = this.#data.length === 0;
        this.#name = "";
        this.#data = [];
        return isEmpty ? null : event;
    }
}

/** Reads events until the body ends. An event that is not complete is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            yield* parser.push(decoder.decode(value, { stream: true }));
        }
    } finally {
        // The rest is not wanted, if the loop over the events has ended.
        void reader.cancel().catch(() => undefined);
    }
}
