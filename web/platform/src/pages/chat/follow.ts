import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** This near to the end is at the end. */
const NEAR = 24;

const distance = () => document.documentElement.scrollHeight - innerHeight - scrollY;

export const goToEnd = () => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });

/** Keeps the end of the page in view while the page grows, as long as the reader is there. Returns whether they are. */
export const useFollow = (): Signal<boolean> => {
    const isAtEnd = useSignal(true);
    useEffect(() => {
        let last = scrollY;
        const onScroll = () => {
            const isUp = scrollY < last;
            last = scrollY;
            if (distance() <= NEAR) isAtEnd.value = true;
            // What grows makes the end farther. Only a reader goes up.
            else if (isUp) isAtEnd.value = false;
        };
        const growth = new ResizeObserver(() => {
            if (isAtEnd.peek()) goToEnd();
        });
        growth.observe(document.body);
        addEventListener("scroll", onScroll, { passive: true });
        return () => {
            growth.disconnect();
            removeEventListener("scroll", onScroll);
        };
    }, []);
    return isAtEnd;
};
