// Says what happened, at the bottom of the window and in a live region.

import { signal } from "@preact/signals";
import { general as texts } from "../texts";
import { Button } from "./button";
import "./toast.css";

type Toast = {
    id: number;
    text: string;
    undo: (() => void) | undefined;
    /** The dialog that it stands in. */
    dialog: string | undefined;
};

const toasts = signal<readonly Toast[]>([]);
let count = 0;

const SHOWN = 6_000;
/** A person needs time to decide. */
const SHOWN_WITH_UNDO = 12_000;

/** Says that something happened. With `undo`, it has a button that takes it back. */
export const say = (text: string, undo?: () => void): void => {
    const id = ++count;
    toasts.value = [...toasts.value.slice(-2), { id, text, undo, dialog: dialogs.value.at(-1) }];
    setTimeout(() => hide(id), undo ? SHOWN_WITH_UNDO : SHOWN);
};

const hide = (id: number) => {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
};

// A modal dialog makes all around it inert, so new messages stand in the one that was opened last.
const dialogs = signal<readonly string[]>([]);

/** Shows new messages in a dialog. Returns what ends that, and moves its messages out of it. */
export const showToastsIn = (dialog: string): (() => void) => {
    dialogs.value = [...dialogs.value, dialog];
    return () => {
        dialogs.value = dialogs.value.filter((other) => other !== dialog);
        const below = dialogs.value.at(-1);
        toasts.value = toasts.value.map((toast) => (toast.dialog === dialog ? { ...toast, dialog: below } : toast));
    };
};

/** The place of the messages: in the application, and in each dialog. */
export const Toasts = ({ dialog }: { dialog?: string }) => (
    <div class="toasts" role="status" aria-live="polite">
        {toasts.value
            .filter((toast) => toast.dialog === dialog)
            .map((toast) => (
                <Message key={toast.id} {...toast} />
            ))}
    </div>
);

const Message = ({ id, text, undo }: Toast) => (
    <div class="toast">
        <span>{text}</span>
        {undo && (
            <Button
                look="quiet"
                size="small"
                onClick={() => {
                    hide(id);
                    undo();
                }}
            >
                <span class="toast-undo">{texts.undo}</span>
            </Button>
        )}
        <Button look="quiet" size="small" icon="close" label={texts.close} onClick={() => hide(id)} />
    </div>
);
