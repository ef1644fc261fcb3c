// The fields of a form. Each has a label, and shows what is wrong with it.

import { type AllHTMLAttributes, type ComponentChildren, h } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { Form } from "../api/forms";
import { forms as texts } from "../texts";
import { Button } from "./button";
import "./form.css";
import { Icon } from "./icon";

type Common = {
    form: Form;
    /** Also the member of the body, as in a JSON Pointer without its first slash. */
    name: string;
    label: string;
    hint?: ComponentChildren;
    required?: boolean;
    /** Says nothing about a field that may stay empty. */
    quiet?: boolean;
    disabled?: boolean;
    autoFocus?: boolean;
};

const useField = ({ form, name, label }: Common) => {
    const id = useId();
    useEffect(() => {
        form.labels.set(name, label);
        return () => void form.labels.delete(name);
    }, [form, name, label]);
    return { id, error: form.errors.value[name] };
};

/** Removes the message as soon as its field changes. */
const forgive = (form: Form, name: string) => {
    if (!(name in form.errors.value)) return;
    const { [name]: _, ...others } = form.errors.value;
    form.errors.value = others;
};

const described = (id: string, hint: unknown, error: unknown): string | undefined =>
    [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;

type AroundProps = Common & { id: string; error: string | undefined; children: ComponentChildren };

const Around = ({ id, label, hint, required, quiet, error, children }: AroundProps) => (
    <div class="field">
        <label class="field-label" for={id}>
            {label}
            {!required && !quiet && <span class="field-optional"> {texts.optional}</span>}
        </label>
        {children}
        <Notes id={id} hint={hint} error={error} />
    </div>
);

const Notes = ({ id, hint, error }: { id: string; hint: ComponentChildren; error: string | undefined }) => (
    <>
        {hint && (
            <p class="field-hint" id={`${id}-hint`}>
                {hint}
            </p>
        )}
        {error && (
            <p class="field-error" id={`${id}-error`}>
                <Icon name="warning" />
                <span>{error}</span>
            </p>
        )}
    </>
);

const attributes = (props: Common, id: string, error: string | undefined) => ({
    id,
    name: props.name,
    required: props.required,
    disabled: props.disabled,
    autoFocus: props.autoFocus,
    "aria-invalid": error ? ("true" as const) : undefined,
    "aria-describedby": described(id, props.hint, error),
    onInput: () => forgive(props.form, props.name),
});

// The types of `<input>` want to know its `type` beforehand.
const Input = (props: AllHTMLAttributes<HTMLInputElement>) => h("input", props);

type TextProps = Common & {
    type?: "text" | "email" | "url" | "tel" | "search" | "number" | "date" | "datetime-local";
    value?: string | null | undefined;
    autoComplete?: string;
    inputMode?: "numeric" | "email" | "text";
    minLength?: number;
    maxLength?: number;
    min?: string | number;
    max?: string | number;
    pattern?: string;
    /** The message for a value that does not match `pattern`. */
    patternError?: string;
    placeholder?: string;
    readOnly?: boolean;
    /** Big digits with space between them. */
    code?: boolean;
};

export const TextField = (props: TextProps) => {
    const { id, error } = useField(props);
    const { type = "text", value, autoComplete = "off", inputMode, minLength, maxLength, min, max, pattern } = props;
    return (
        <Around {...props} id={id} error={error}>
            <Input
                class={props.code ? "input input-code" : "input"}
                {...attributes(props, id, error)}
                {...{ type, inputMode, minLength, maxLength, min, max, pattern, autoComplete }}
                defaultValue={value ?? ""}
                placeholder={props.placeholder}
                readOnly={props.readOnly}
                title={props.patternError}
                autoCapitalize={type === "text" && !props.code ? undefined : "none"}
                spellcheck={type === "text" && !props.code ? undefined : false}
            />
        </Around>
    );
};

type PasswordProps = Common & {
    autoComplete: "current-password" | "new-password";
    minLength?: number;
    maxLength?: number;
};

/** A password, with a button that shows it. */
export const PasswordField = (props: PasswordProps) => {
    const { id, error } = useField(props);
    const [isShown, setShown] = useState(false);
    return (
        <Around {...props} id={id} error={error}>
            <div class="input-group">
                <Input
                    class="input"
                    {...attributes(props, id, error)}
                    type={isShown ? "text" : "password"}
                    autoComplete={props.autoComplete}
                    minLength={props.minLength}
                    maxLength={props.maxLength}
                    autoCapitalize="none"
                    spellcheck={false}
                />
                <Button
                    look="quiet"
                    size="small"
                    icon={isShown ? "eyeOff" : "eye"}
                    label={isShown ? texts.hidePassword : texts.showPassword}
                    onClick={() => setShown(!isShown)}
                />
            </div>
        </Around>
    );
};

type AreaProps = Common & {
    value?: string | null;
    rows?: number;
    minLength?: number;
    maxLength?: number;
    placeholder?: string;
};

export const TextArea = (props: AreaProps) => {
    const { id, error } = useField(props);
    const { rows = 4, minLength, maxLength, placeholder } = props;
    return (
        <Around {...props} id={id} error={error}>
            <textarea
                class="input"
                {...attributes(props, id, error)}
                {...{ rows, minLength, maxLength, placeholder }}
                defaultValue={props.value ?? ""}
            />
        </Around>
    );
};

type SelectProps = Common & { options: readonly { value: string; text: string }[]; value?: string };

export const Select = (props: SelectProps) => {
    const { id, error } = useField(props);
    return (
        <Around {...props} quiet id={id} error={error}>
            <select class="input" {...attributes(props, id, error)}>
                {props.options.map(({ value, text }) => (
                    <option key={value} value={value} {...{ defaultSelected: value === props.value }}>
                        {text}
                    </option>
                ))}
            </select>
        </Around>
    );
};
