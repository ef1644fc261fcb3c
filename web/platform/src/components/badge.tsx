import type { ComponentChildren } from "preact";
import "./badge.css";
import { Icon } from "./icon";

type BadgeProps = { tone?: "accent" | "success" | "warning" | "danger"; children: ComponentChildren };

/** A state in one word. The word says it; the colour only helps. */
export const Badge = ({ tone, children }: BadgeProps) => (
    <span class={tone ? `badge badge-${tone}` : "badge"}>{children}</span>
);

type NoticeProps = { tone?: "success" | "warning"; children: ComponentChildren };

/** Something that a person must know here. */
export const Notice = ({ tone, children }: NoticeProps) => (
    <div class={tone ? `notice notice-${tone}` : "notice"}>
        <Icon name={tone === "success" ? "check" : tone === "warning" ? "warning" : "information"} />
        <div class="stack stack-s">{children}</div>
    </div>
);
