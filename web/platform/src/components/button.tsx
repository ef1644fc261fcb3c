import type { ComponentChildren, TargetedMouseEvent } from "preact";
import "./button.css";
import { Icon, type IconName } from "./icon";

export type Look = {
    look?: "primary" | "danger" | "quiet";
    size?: "small";
    wide?: boolean;
    icon?: IconName;
};

type ButtonProps = Look & {
    children?: ComponentChildren;
    type?: "button" | "submit";
    onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
    /** Shows a spinner, and ignores presses. The button keeps its focus. */
    busy?: boolean;
    /** Ignores presses. */
    disabled?: boolean;
    /** The name of a button that shows only an icon. */
    label?: string;
    name?: string;
    value?: string;
    popovertarget?: string;
    id?: string;
    autoFocus?: boolean;
};

const classes = ({ look, size, wide }: Look, isIcon: boolean): string =>
    ["button", look && `button-${look}`, size && `button-${size}`, wide && "button-wide", isIcon && "button-icon"]
        .filter(Boolean)
        .join(" ");

export const Button = ({ children, busy, disabled, label, onClick, icon, look, size, wide, ...rest }: ButtonProps) => {
    const isOff = Boolean(busy || disabled);
    return (
        <button
            type="button"
            {...rest}
            class={classes({ look, size, wide }, children === undefined)}
            aria-label={label}
            title={label}
            aria-disabled={isOff ? "true" : undefined}
            aria-busy={busy ? "true" : undefined}
            onClick={(event) => {
                if (isOff) event.preventDefault();
                else onClick?.(event);
            }}
        >
            {busy ? <span class="spinner" /> : icon && <Icon name={icon} />}
            {children}
        </button>
    );
};

type LinkButtonProps = Look & { href: string; children: ComponentChildren; download?: boolean; newTab?: boolean };

/** A link that looks like a button. */
export const LinkButton = ({ href, children, icon, download, newTab, ...look }: LinkButtonProps) => (
    <a
        href={href}
        class={classes(look, false)}
        download={download}
        target={newTab ? "_blank" : undefined}
        rel={newTab ? "noopener noreferrer" : undefined}
    >
        {icon && <Icon name={icon} />}
        {children}
    </a>
);
