import type { ComponentChildren } from "preact";
import "./empty.css";
import { Icon, type IconName } from "./icon";

type EmptyProps = {
    icon: IconName;
    title: string;
    /** What to do next. */
    text: string;
    /** The button that does it. */
    children?: ComponentChildren;
};

/** Stands where a list has no rows yet. */
export const Empty = ({ icon, title, text, children }: EmptyProps) => (
    <div class="empty">
        <span class="empty-icon">
            <Icon name={icon} />
        </span>
        <h2>{title}</h2>
        <p>{text}</p>
        {children && <div class="empty-actions">{children}</div>}
    </div>
);
