// A group of radio buttons or checkboxes of a form, each with a line about it.

import { type AllHTMLAttributes, type ComponentChildren, h } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Form } from "../../api/forms";
import "../../components/form.css";
import { Icon } from "../../components/icon";
import "./organization.css";

export type Choice = { value: string; text: string; hint?: ComponentChildren };

type ChoicesProps = {
    form: Form;
    /** Also the member of the body. */
    name: string;
    label: string;
    type: "radio" | "checkbox";
    choices: readonly Choice[];
    chosen: readonly string[];
    autoFocus?: boolean;
    /** Side by side, where there is space. */
    wide?: boolean;
    /** Stands between the name of the group and its boxes. */
    children?: ComponentChildren;
};

// The types of `<input>` want to know its `type` beforehand.
const Input = (props: AllHTMLAttributes<HTMLInputElement>) => h("input", props);

export const Choices = ({ form, name, label, type, choices, chosen, autoFocus, wide, children }: ChoicesProps) => {
    const id = useId();
    const group = useRef<HTMLFieldSetElement>(null);
    const error = form.errors.value[name];
    useEffect(() => {
        form.labels.set(name, label);
        return () => void form.labels.delete(name);
    }, [form, name, label]);
    useEffect(() => {
        const boxes = [...(group.current?.querySelectorAll("input") ?? [])];
        if (autoFocus) (boxes.find(({ checked }) => checked) ?? boxes[0])?.focus();
    }, []);
    const forgive = () => {
        const { [name]: _, ...others } = form.errors.value;
        form.errors.value = others;
    };
    return (
        <fieldset ref={group} class="choices" aria-describedby={error ? `${id}-error` : undefined} onChange={forgive}>
            <legend class="field-label">{label}</legend>
            {children}
            <div class={wide ? "choices-inside choices-wide" : "choices-inside"}>
                {choices.map(({ value, text, hint }) => (
                    <div key={value} class="choice">
                        <Input
                            id={`${id}-${value}`}
                            type={type}
                            name={name}
                            value={value}
                            defaultChecked={chosen.includes(value)}
                            aria-describedby={hint ? `${id}-${value}-hint` : undefined}
                        />
                        <label for={`${id}-${value}`}>{text}</label>
                        {hint && (
                            <p class="choice-hint" id={`${id}-${value}-hint`}>
                                {hint}
                            </p>
                        )}
                    </div>
                ))}
            </div>
            {error && (
                <p class="field-error" id={`${id}-error`}>
                    <Icon name="warning" />
                    <span>{error}</span>
                </p>
            )}
        </fieldset>
    );
};
