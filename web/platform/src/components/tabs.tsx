import { useLocation } from "preact-iso";
import "./tabs.css";

type TabsProps = {
    label: string;
    tabs: readonly { href: string; text: string }[];
};

/** Links between pages that belong together. */
export const Tabs = ({ label, tabs }: TabsProps) => {
    const { path } = useLocation();
    return (
        <nav class="tabs" aria-label={label}>
            {tabs.map(({ href, text }) => (
                <a key={href} href={href} aria-current={path === href ? "page" : undefined}>
                    {text}
                </a>
            ))}
        </nav>
    );
};
