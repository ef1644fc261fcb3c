import type { Signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "../../components/button";
import "../../components/form.css";
import { Icon } from "../../components/icon";
import { chat as texts } from "../../texts";
import "./composer.css";
import type { Mode } from "./messages";

const MAX_BYTES = 32_000;

type ComposerProps = {
    draft: Signal<string>;
    mode: Signal<Mode>;
    ask: (question: string) => void;
    /** Is set while an answer is written. */
    stop?: (() => void) | undefined;
    isStopping?: boolean;
    /** Ignores questions. */
    busy?: boolean;
    /** The id of the heading that asks for the question, if there is one. */
    labelledBy?: string;
    /** Takes the focus when the page opens, unless that would open the keyboard of a phone. */
    autoFocus?: boolean;
};

const hasKeyboard = () => matchMedia("(pointer: fine)").matches;

export const Composer = ({ draft, mode, ask, stop, isStopping, busy, labelledBy, autoFocus }: ComposerProps) => {
    const id = useId();
    const field = useRef<HTMLTextAreaElement>(null);
    const [isTooLong, setTooLong] = useState(false);
    const text = draft.value;

    useEffect(() => {
        if (field.current) fit(field.current);
    }, [text]);

    const send = () => {
        if (stop || busy || text.trim() === "") return;
        const isLong = new TextEncoder().encode(text).length > MAX_BYTES;
        setTooLong(isLong);
        if (!isLong) ask(text);
        if (hasKeyboard()) field.current?.focus();
    };
    return (
        <div class="composer">
            <textarea
                ref={field}
                class="composer-field"
                {...{ autoFocus: autoFocus && hasKeyboard() }}
                rows={1}
                value={text}
                placeholder={texts.placeholder}
                aria-label={labelledBy ? undefined : texts.question}
                aria-labelledby={labelledBy}
                aria-invalid={isTooLong ? "true" : undefined}
                aria-describedby={isTooLong ? `${id}-error` : `${id}-keys`}
                enterkeyhint="send"
                onInput={({ currentTarget }) => {
                    draft.value = currentTarget.value;
                    setTooLong(false);
                }}
                onKeyDown={(event) => {
                    // Enter also ends a word of Chinese or Japanese.
                    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
                    event.preventDefault();
                    send();
                }}
            />
            {isTooLong && (
                <p class="field-error composer-error" id={`${id}-error`} role="alert">
                    <Icon name="warning" />
                    <span>{texts.tooLong}</span>
                </p>
            )}
            <div class="composer-bar">
                <label class="composer-mode">
                    <input
                        type="checkbox"
                        checked={mode.value === "auto"}
                        onChange={({ currentTarget }) => {
                            mode.value = currentTarget.checked ? "auto" : "none";
                        }}
                    />
                    {texts.useArtifacts}
                </label>
                <span class="composer-keys" id={`${id}-keys`}>
                    {texts.keys}
                </span>
                <Button
                    look={stop ? undefined : "primary"}
                    icon={stop ? "stop" : "send"}
                    label={stop ? (isStopping ? texts.stopping : texts.stop) : texts.ask}
                    busy={busy || (stop && isStopping)}
                    disabled={!stop && text.trim() === ""}
                    onClick={stop ?? send}
                />
            </div>
        </div>
    );
};

/** Makes the field as high as its text; its style has the limit. */
const fit = (field: HTMLTextAreaElement) => {
    field.style.setProperty("height", "auto");
    field.style.setProperty("height", `${field.scrollHeight}px`);
};
