// The state of an artifact, in words.

import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Meter } from "../../components/chart";
import { general, artifacts as texts } from "../../texts";
import { type Artifact, isSent, isUploading } from "./uploads";

/** Tells whether an artifact moves on by itself. */
export const isMoving = ({ id, status }: Artifact): boolean =>
    status === "processing" || (status === "pending" && isSent(id));

/** Tells whether the whole text of an artifact can be shown. */
export const hasText = ({ status, progress }: Artifact): boolean =>
    status === "ready" || (status === "failed" && progress.of > 0);

/** Tells whether the file of an artifact is in storage. */
export const isStored = ({ status, failure }: Artifact): boolean =>
    status !== "pending" && status !== "expired" && failure?.code !== "content-missing";

/** Tells whether an artifact can do with its file once more. */
export const takesFile = ({ id, status, failure }: Artifact): boolean => {
    if (isUploading(id)) return false;
    if (status === "pending") return !isSent(id);
    return status === "expired" || failure?.code === "checksum-mismatch" || failure?.code === "content-missing";
};

/** Says why an artifact failed. */
export const reasonOf = ({ failure }: Artifact): string | null =>
    failure ? (texts.failures[failure.code] ?? failure.detail ?? null) : null;

const TONES = {
    pending: undefined,
    processing: "accent",
    ready: "success",
    failed: "danger",
    expired: "warning",
} as const;

const wordOf = ({ id, status, stage }: Artifact): string => {
    if (status === "pending" && isUploading(id)) return texts.uploading;
    if (status === "pending" && isSent(id)) return texts.sent;
    if (status !== "processing") return texts.statuses[status];
    if (stage === "indexing") return texts.indexing;
    return stage === "extracting" ? texts.reading : texts.statuses.processing;
};

type StatusProps = { artifact: Artifact; retry: () => void; isBusy: boolean };

export const Status = ({ artifact, retry, isBusy }: StatusProps) => {
    const { status, failure, progress, name } = artifact;
    return (
        <div class="artifact-status">
            <Badge tone={TONES[status]}>{wordOf(artifact)}</Badge>
            {status === "processing" && progress.of > 0 && (
                <div class="artifact-progress">
                    <Meter label={`${texts.indexing}: ${name}`} value={progress.done} max={progress.of} />
                    <span class="small soft number">{texts.indexed(progress.done, progress.of)}</span>
                </div>
            )}
            {status === "failed" && <p class="small soft">{reasonOf(artifact)}</p>}
            {status === "expired" && <p class="small soft">{texts.expiredText}</p>}
            {status === "failed" && failure?.retryable && (
                <Button size="small" icon="retry" busy={isBusy} onClick={retry}>
                    {general.tryAgain}
                    <span class="hidden">{name}</span>
                </Button>
            )}
        </div>
    );
};
