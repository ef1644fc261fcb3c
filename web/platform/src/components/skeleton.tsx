import { general as texts } from "../texts";
import "./skeleton.css";

/** The place of a text that is loading. */
const Skeleton = ({ short }: { short?: boolean }) => (
    <span class={short ? "skeleton skeleton-short" : "skeleton"} aria-hidden="true" />
);

/** The place of a table that is loading. */
export const SkeletonRows = ({ rows = 4 }: { rows?: number }) => (
    <div class="skeleton-rows" role="status" aria-label={texts.loading}>
        {Array.from({ length: rows }, (_, row) => (
            <div class="skeleton-row" key={row} aria-hidden="true">
                <Skeleton />
                <Skeleton />
                <Skeleton />
            </div>
        ))}
    </div>
);

/** The place of a page or a card that is loading. */
export const SkeletonText = ({ lines = 3 }: { lines?: number }) => (
    <div class="stack" role="status" aria-label={texts.loading}>
        {Array.from({ length: lines }, (_, line) => (
            <Skeleton key={line} short={line === lines - 1} />
        ))}
    </div>
);
