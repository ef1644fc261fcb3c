import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useRoute } from "preact-iso";
import { general as texts } from "../texts";
import { Icon } from "./icon";
import "./page-header.css";

type PageHeaderProps = {
    /** The `h1`, and the title of the document. */
    title: string;
    text?: ComponentChildren;
    /** The page above this one. */
    back?: { href: string; text: string };
    /** The buttons of the page. */
    children?: ComponentChildren;
};

let isFirstPage = true;

/** Sets the title of the document, and moves the focus to the heading after a navigation. */
export const usePageTitle = (title: string) => {
    const heading = useRef<HTMLHeadingElement>(null);
    // The path of this page: the one of the window may be of a page that is still loading.
    const { path } = useRoute();
    useEffect(() => {
        document.title = texts.documentTitle(title);
    }, [title]);
    useEffect(() => {
        if (!isFirstPage) focusPage(heading.current);
        isFirstPage = false;
    }, [path]);
    return heading;
};

/** Focuses the one field that a page is about, otherwise its heading. */
const focusPage = (heading: HTMLElement | null) => {
    const field = heading?.closest("main")?.querySelector<HTMLElement>(":is(input, textarea)[autofocus]");
    (field ?? heading)?.focus();
};

export const PageHeader = ({ title, text, back, children }: PageHeaderProps) => {
    const heading = usePageTitle(title);
    return (
        <header class="page-header">
            <div class="page-header-text">
                {back && (
                    <a class="page-header-back" href={back.href}>
                        <Icon name="back" />
                        {back.text}
                    </a>
                )}
                <h1 ref={heading} tabIndex={-1}>
                    {title}
                </h1>
                {text && <p>{text}</p>}
            </div>
            {children && <div class="page-header-actions">{children}</div>}
        </header>
    );
};
