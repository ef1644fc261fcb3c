// A button that opens a small list of things to do.

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { general as texts } from "../texts";
import { Button } from "./button";
import { Icon, type IconName } from "./icon";
import "./menu.css";

type MenuProps = {
    /** The name of the button. */
    label?: string;
    /** What the button shows; three dots if nothing. */
    button?: ComponentChildren;
    /** The class of a button with content of its own. */
    buttonClass?: string;
    children: ComponentChildren;
};

const GAP = 4;

/** Places a popover at its button: below it, or above where there is no space. */
const place = (menu: HTMLElement, button: HTMLElement) => {
    const anchor = button.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const fitsBelow = anchor.bottom + GAP + height <= innerHeight;
    const top = fitsBelow ? anchor.bottom + GAP : Math.max(GAP, anchor.top - GAP - height);
    const isOnRight = anchor.left + width > innerWidth - GAP;
    const left = isOnRight ? Math.max(GAP, anchor.right - width) : anchor.left;
    menu.style.setProperty("top", `${top}px`);
    menu.style.setProperty("left", `${left}px`);
};

export const Menu = ({ label, button, buttonClass, children }: MenuProps) => {
    const id = useId();
    const menu = useRef<HTMLDivElement>(null);
    const items = () => [...(menu.current?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
    const opener = () => document.getElementById(`${id}-button`);

    const onKeyDown = (event: KeyboardEvent) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const all = items();
        const now = all.findIndex((item) => item.matches(":focus"));
        all.at((now + step) % all.length)?.focus();
    };
    const onToggle = (event: ToggleEvent) => {
        const anchor = opener();
        anchor?.setAttribute("aria-expanded", String(event.newState === "open"));
        if (event.newState !== "open" || !menu.current || !anchor) return;
        place(menu.current, anchor);
        items()[0]?.focus();
    };
    return (
        <>
            {button === undefined ? (
                <Button
                    id={`${id}-button`}
                    look="quiet"
                    size="small"
                    icon="more"
                    label={label ?? texts.more}
                    popovertarget={id}
                />
            ) : (
                <button id={`${id}-button`} type="button" class={buttonClass} aria-label={label} popovertarget={id}>
                    {button}
                </button>
            )}
            <div
                ref={menu}
                id={id}
                popover="auto"
                role="group"
                aria-label={label ?? texts.more}
                class="menu"
                onToggle={onToggle}
                onKeyDown={onKeyDown}
                onClick={(event) => {
                    const isItem = event.target instanceof Element && event.target.closest(".menu-item");
                    if (isItem) menu.current?.hidePopover();
                }}
            >
                {children}
            </div>
        </>
    );
};

type ItemProps = {
    children: ComponentChildren;
    icon?: IconName;
    danger?: boolean;
    isCurrent?: boolean;
} & ({ href: string; onClick?: undefined } | { href?: undefined; onClick: () => void });

export const MenuItem = ({ children, icon, danger, isCurrent, href, onClick }: ItemProps) => {
    const name = danger ? "menu-item menu-item-danger" : "menu-item";
    const inside = (
        <>
            {icon && <Icon name={icon} />}
            <span class="grow cut">{children}</span>
            {isCurrent && <Icon name="check" />}
        </>
    );
    return href === undefined ? (
        <button type="button" class={name} aria-current={isCurrent ? "true" : undefined} onClick={onClick}>
            {inside}
        </button>
    ) : (
        <a class={name} href={href} aria-current={isCurrent ? "true" : undefined}>
            {inside}
        </a>
    );
};
