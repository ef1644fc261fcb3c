import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { useLocation } from "preact-iso";
import { general as texts } from "../texts";
import { Button, LinkButton } from "./button";
import { PageHeader } from "./page-header";

/** Stands in place of a page that has thrown. */
export const Broken = ({ children }: { children: ComponentChildren }) => {
    const [error, reset] = useErrorBoundary();
    const { path } = useLocation();
    useEffect(reset, [path]);
    if (error === undefined) return <>{children}</>;
    return (
        <Instead title={texts.broken} text={texts.brokenText}>
            <details class="soft small">
                <summary>{texts.brokenDetails}</summary>
                <code>{String(error)}</code>
            </details>
        </Instead>
    );
};

/** Stands in place of a page whose script did not come: there is no connection, or the script is of an older version. */
export const NotLoaded = () => <Instead title={texts.notLoaded} text={texts.notLoadedText} />;

const Instead = ({ title, text, children }: { title: string; text: string; children?: ComponentChildren }) => (
    <>
        <PageHeader title={title} text={text} />
        <div class="row">
            <Button look="primary" icon="retry" onClick={() => location.reload()}>
                {texts.reload}
            </Button>
            <LinkButton href="/" icon="home">
                {texts.goHome}
            </LinkButton>
        </div>
        {children}
    </>
);
