import "./form.css";

type ChoiceProps<T extends string> = {
    /** The name of the field, for screen readers. */
    label: string;
    /** The text of no choice. */
    any: string;
    value: T | undefined;
    options: readonly { value: T; text: string }[];
    set: (value: T | undefined) => void;
};

/** A filter: one of several values, or any. */
export const Choice = <T extends string>({ label, any, value, options, set }: ChoiceProps<T>) => (
    <select
        class="input"
        aria-label={label}
        value={value ?? ""}
        onChange={({ currentTarget }) => set(options.find((option) => option.value === currentTarget.value)?.value)}
    >
        <option value="">{any}</option>
        {options.map((option) => (
            <option key={option.value} value={option.value}>
                {option.text}
            </option>
        ))}
    </select>
);
