import { type ReadonlySignal, signal } from "@preact/signals";
import { type ComponentChildren, createContext, type VNode } from "preact";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { general as texts } from "../texts";
import { Button } from "./button";
import "./dialog.css";
import { showToastsIn, Toasts } from "./toast";

type Surrounding = {
    /** Closes the dialog, as the person does. */
    close: () => void;
    /** Keeps the dialog open while a request runs, because its answer belongs to the dialog. Returns what ends that. */
    keepWhile: (isRunning: ReadonlySignal<boolean>) => () => void;
};

/** The dialog around a form. */
export const SurroundingDialog = createContext<Surrounding | null>(null);

type DialogProps = {
    title: string;
    /** Runs when the person closes it: by Escape, the cross, a press beside it, or `Cancel`. Not while a form in it is sent. */
    onClose: () => void;
    children: ComponentChildren;
    wide?: boolean;
};

/** A modal dialog. It is open as long as it is rendered. Focus goes back to where it was. */
export const Dialog = ({ title, onClose, children, wide }: DialogProps) => {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const dialog = ref.current;
        const before = document.activeElement;
        dialog?.showModal();
        const moveToastsBack = showToastsIn(id);
        // The cross is first in the document, but what the dialog asks is first for the person.
        dialog?.querySelector<HTMLElement>("[autofocus], .dialog-body :is(input, select, textarea)")?.focus();
        return () => {
            moveToastsBack();
            dialog?.close();
            if (before instanceof HTMLElement) before.focus();
        };
    }, [id]);
    const onCloseNow = useRef(onClose);
    onCloseNow.current = onClose;
    const surrounding = useMemo(() => {
        const running = new Set<ReadonlySignal<boolean>>();
        return {
            close: () => {
                if (![...running].some((one) => one.peek())) onCloseNow.current();
            },
            keepWhile: (isRunning: ReadonlySignal<boolean>) => {
                running.add(isRunning);
                return () => void running.delete(isRunning);
            },
        };
    }, []);
    // A selection that begins inside and ends beside the dialog is no press beside it.
    const isPressedBeside = useRef(false);
    return (
        // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself.
        <dialog
            ref={ref}
            class={wide ? "dialog dialog-wide" : "dialog"}
            aria-labelledby={id}
            onCancel={(event) => {
                event.preventDefault();
                surrounding.close();
            }}
            // A browser closes it at the second Escape, whatever the page says.
            onClose={() => ref.current?.showModal()}
            onPointerDown={(event) => {
                isPressedBeside.current = event.target === ref.current;
            }}
            onClick={(event) => {
                if (isPressedBeside.current && event.target === ref.current) surrounding.close();
            }}
        >
            <div class="dialog-inside">
                <header class="dialog-head">
                    <h2 id={id}>{title}</h2>
                    <Button look="quiet" size="small" icon="close" label={texts.close} onClick={surrounding.close} />
                </header>
                <div class="dialog-body stack">
                    <SurroundingDialog.Provider value={surrounding}>{children}</SurroundingDialog.Provider>
                </div>
            </div>
            <Toasts dialog={id} />
        </dialog>
    );
};

type Asked = { id: number; node: VNode; dismiss: () => void };

const open = signal<readonly Asked[]>([]);
let count = 0;

/** Shows what `render` returns until it calls `answer`. Returns the answer; `undefined` if the person closed it. */
export const ask = <T,>(render: (answer: (value?: T) => void) => VNode): Promise<T | undefined> =>
    new Promise((resolve) => {
        const id = ++count;
        const answer = (value?: T) => {
            open.value = open.value.filter((asked) => asked.id !== id);
            resolve(value);
        };
        open.value = [...open.value, { id, node: render(answer), dismiss: answer }];
    });

/** The place of the dialogs of `ask`. Stands once, in the application. */
export const Dialogs = () => {
    const { path } = useLocation();
    // A dialog belongs to the page that asked.
    useEffect(
        () => () => {
            for (const { dismiss } of open.peek()) dismiss();
        },
        [path],
    );
    return (
        <>
            {open.value.map(({ id, node }) => (
                <div key={id}>{node}</div>
            ))}
        </>
    );
};
