import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { useLocation } from "preact-iso";
import { general as texts } from "../texts";
import { Button } from "./button";
import { Empty } from "./empty";

/** Stands in place of a page that has thrown. */
export const Broken = ({ children }: { children: ComponentChildren }) => {
    const [error, reset] = useErrorBoundary();
    const { path } = useLocation();
    useEffect(reset, [path]);
    if (error === undefined) return <>{children}</>;
    return (
        <Empty icon="warning" title={texts.broken} text={texts.brokenText}>
            <Button icon="retry" onClick={() => location.reload()}>
                {texts.reload}
            </Button>
        </Empty>
    );
};
