import { useEffect, useRef } from "preact/hooks";
import { Problem } from "../../api/problem";

// A session may send 100 requests a minute, for everything.
const SHORTEST = 2_000;
const LONGEST = 20_000;
const GROWTH = 1.5;

/**
 * Calls `look` as long as `isNeeded`, with longer and longer pauses while nothing changes and after failures. Rests while the page is
 * hidden. `look` returns whether something has changed.
 */
export const usePolling = (isNeeded: boolean, look: (signal: AbortSignal) => Promise<boolean>): void => {
    const current = useRef(look);
    current.current = look;
    useEffect(() => {
        if (!isNeeded) return;
        const stop = new AbortController();
        let pause = SHORTEST;
        let timer = 0;
        let isLooking = false;
        const plan = () => {
            clearTimeout(timer);
            if (!stop.signal.aborted && !document.hidden) timer = window.setTimeout(() => void tick(), pause);
        };
        const tick = async () => {
            if (isLooking) return;
            isLooking = true;
            try {
                pause = (await current.current(stop.signal)) ? SHORTEST : Math.min(LONGEST, pause * GROWTH);
            } catch (error) {
                const { retryAfter } = Problem.from(error);
                pause = Math.max(LONGEST, (retryAfter ?? 0) * 1_000);
            }
            isLooking = false;
            plan();
        };
        const onVisibility = () => {
            pause = SHORTEST;
            if (document.hidden) clearTimeout(timer);
            else void tick();
        };
        plan();
        document.addEventListener("visibilitychange", onVisibility);
        return () => {
            clearTimeout(timer);
            stop.abort();
            document.removeEventListener("visibilitychange", onVisibility);
        };
    }, [isNeeded]);
};
