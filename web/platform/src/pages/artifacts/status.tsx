// The state of an artifact, in words.

import { own } from "../../api/own";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Meter } from "../../components/chart";
import { general, artifacts as texts } from "../../texts";
import "./status.css";
import { type Artifact, isUploading } from "./uploads";

/** A file that has not arrived after so long is not on its way any more. */
const OVERDUE = 120_000;

/** Tells whether an artifact may move on by itself. */
export const isMoving = ({ status }: Artifact): boolean => status === "processing" || status === "pending";

const isOverdue = ({ id, createdAt }: Artifact): boolean =>
    !isUploading(id) && Date.now() - Date.parse(createdAt) > OVERDUE;

/** Tells whether the whole text of an artifact can be shown. */
export const hasText = ({ status, progress }: Artifact): boolean =>
    status === "ready" || (status === "failed" && progress.of > 0);

/** Tells whether the file of an artifact is in storage. */
export const isStored = ({ status, failure }: Artifact): boolean =>
    status !== "pending" && status !== "expired" && failure?.code !== "content-missing";

/** Tells whether an artifact can do with its file once more. */
export const takesFile = (artifact: Artifact): boolean => {
    const { id, status, failure } = artifact;
    if (isUploading(id)) return false;
    if (status === "pending") return isOverdue(artifact);
    return status === "expired" || failure?.code === "checksum-mismatch" || failure?.code === "content-missing";
};

/** Says why an artifact failed. */
export const reasonOf = ({ failure }: Artifact): string | null =>
    failure ? (own(texts.failures, failure.code) ?? failure.detail ?? null) : null;

const TONES = {
    pending: undefined,
    processing: "accent",
    ready: "success",
    failed: "danger",
    expired: "warning",
} as const;

const wordOf = (artifact: Artifact): string => {
    const { id, status, stage } = artifact;
    if (status === "pending" && isUploading(id)) return texts.uploading;
    if (status === "pending" && isOverdue(artifact)) return texts.waitsForFile;
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
