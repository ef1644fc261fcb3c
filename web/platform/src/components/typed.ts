import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** So long a pause in typing means that the text is meant. */
const PAUSE = 350;

type Typed = {
    field: RefObject<HTMLInputElement | null>;
    onInput: () => void;
    /** Returns the text now, without waiting for a pause. */
    take: () => string;
};

/** A text field whose value stands elsewhere, such as in the address. Calls `set` when the person pauses. */
export const useTyped = (value: string, set: (value: string) => void): Typed => {
    const field = useRef<HTMLInputElement>(null);
    const timer = useRef(0);
    const own = useRef(value);
    const current = useRef(set);
    current.current = set;
    useEffect(() => {
        // The value has changed by another way than this field, such as the button "back".
        if (value !== own.current && field.current) {
            clearTimeout(timer.current);
            field.current.value = value;
        }
        own.current = value;
    }, [value]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const take = () => {
        clearTimeout(timer.current);
        own.current = field.current?.value.trim() ?? "";
        return own.current;
    };
    const onInput = () => {
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => current.current(take()), PAUSE);
    };
    return { field, onInput, take };
};
