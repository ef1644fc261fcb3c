import { useEffect, useRef, useState } from "preact/hooks";
import { chat as texts } from "../../texts";
import { spoken } from "./markdown";
import type { Message } from "./messages";

/** More is tiring to hear at once. The rest is on the page. */
const MAX_LENGTH = 2_000;

/** Tells screen readers that an answer begins, and reads it when it has ended: not each word. */
export const Announcer = ({ answer }: { answer: Message | undefined }) => {
    const [text, setText] = useState("");
    const wasWriting = useRef(false);
    const isWriting = answer?.status === "streaming";
    useEffect(() => {
        if (isWriting) setText(texts.writing);
        else if (wasWriting.current && answer) void read(answer).then(setText);
        wasWriting.current = isWriting;
    }, [isWriting]);
    return (
        <p class="hidden" role="status">
            {text}
        </p>
    );
};

const read = async ({ content, status, failure }: Message): Promise<string> => {
    const parts = [content === "" ? "" : texts.answered((await spoken(content)).slice(0, MAX_LENGTH))];
    if (status === "cancelled") parts.push(texts.cancelled);
    if (status === "interrupted") parts.push(texts.interrupted);
    if (status === "length") parts.push(texts.length);
    if (status === "failed" && failure) parts.push(texts.failures[failure]);
    return parts.filter(Boolean).join(" ");
};
