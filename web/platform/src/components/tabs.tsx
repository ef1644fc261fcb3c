import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import "./tabs.css";

type TabsProps = {
    label: string;
    tabs: readonly { href: string; text: string }[];
};

/** Links between pages that belong together. */
export const Tabs = ({ label, tabs }: TabsProps) => {
    const { path } = useLocation();
    const nav = useRef<HTMLElement>(null);
    useEffect(() => {
        const current = nav.current?.querySelector("[aria-current]");
        current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }, [path]);
    return (
        <nav class="tabs" aria-label={label} ref={nav}>
            {tabs.map(({ href, text }) => (
                <a key={href} href={href} aria-current={path === href ? "page" : undefined}>
                    {text}
                </a>
            ))}
        </nav>
    );
};
