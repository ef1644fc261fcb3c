import type { ComponentChildren } from "preact";
import { useContext, useEffect } from "preact/hooks";
import type { Form as FormState } from "../api/forms";
import { general as texts } from "../texts";
import { Button, type Look } from "./button";
import { SurroundingDialog } from "./dialog";
import { Failure } from "./failure";
import "./form.css";

type FormProps = {
    form: FormState;
    children: ComponentChildren;
    /** The name of the form, if no heading says it. */
    label?: string;
    class?: string;
};

/** A form whose fields are checked by us, in our words. */
export const Form = ({ form, children, label, class: name }: FormProps) => {
    const dialog = useContext(SurroundingDialog);
    useEffect(form.isShown, [form]);
    useEffect(() => dialog?.keepWhile(form.isSending), [dialog, form]);
    return (
        <form class={name ? `form ${name}` : "form"} aria-label={label} noValidate onSubmit={form.submit}>
            {form.problem.value && <Failure problem={form.problem.value} />}
            {children}
        </form>
    );
};

/** The button that sends a form. */
export const Submit = ({ form, children, ...look }: Look & { form: FormState; children: ComponentChildren }) => (
    <Button type="submit" look="primary" {...look} busy={form.isSending.value}>
        {children}
    </Button>
);

/** The button that closes the dialog of a form, unless the form is being sent. */
export const Cancel = ({ form, autoFocus = false }: { form: FormState; autoFocus?: boolean }) => {
    const dialog = useContext(SurroundingDialog);
    return (
        <Button onClick={() => dialog?.close()} disabled={form.isSending.value} autoFocus={autoFocus}>
            {texts.cancel}
        </Button>
    );
};
