import type { ComponentChildren } from "preact";
import type { Form as FormState } from "../api/forms";
import { Button, type Look } from "./button";
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
export const Form = ({ form, children, label, class: name }: FormProps) => (
    <form class={name ? `form ${name}` : "form"} aria-label={label} noValidate onSubmit={form.submit}>
        {form.problem.value && <Failure problem={form.problem.value} />}
        {children}
    </form>
);

/** The button that sends a form. */
export const Submit = ({ form, children, ...look }: Look & { form: FormState; children: ComponentChildren }) => (
    <Button type="submit" look="primary" {...look} busy={form.isSending.value}>
        {children}
    </Button>
);
