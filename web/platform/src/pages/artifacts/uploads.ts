// The uploads of this tab. They go on while the person looks at other pages.

import { type Signal, signal } from "@preact/signals";
import { api, call } from "../../api/client";
import type { components } from "../../api/schema";
import { whenUserChanges } from "../../api/session";
import { say } from "../../components/toast";
import { artifacts as texts } from "../../texts";
import { documentName, MAX_BYTES, type MediaType, mediaTypeOf } from "./file";
import { explain, type Refusal, send } from "./send";

export type Artifact = components["schemas"]["Artifact"];

export type Upload = {
    readonly id: number;
    readonly organizationId: string;
    readonly name: string;
    readonly file: File;
    readonly state: Signal<"waiting" | "hashing" | "sending" | "failed">;
    /** The bytes that are sent. */
    readonly sent: Signal<number>;
    readonly failure: Signal<Refusal | null>;
};

export type Job = Upload & {
    readonly mediaType: MediaType | null;
    readonly labels: readonly string[];
    stop: AbortController;
    artifact: Artifact | null;
    /** The artifact was there before, and stays if this upload is cancelled. */
    readonly isResumed: boolean;
    allowDuplicate: boolean;
    key: string;
};

const AT_ONCE = 2;

const jobs = signal<readonly Job[]>([]);
let count = 0;
/** How many have arrived since all were done. */
let finished = 0;

/** Returns the uploads of an organization. */
export const uploadsOf = (organizationId: string): readonly Upload[] =>
    jobs.value.filter((job) => job.organizationId === organizationId);

/** Tells whether the file of an artifact is on its way from this tab. */
export const isUploading = (artifactId: string): boolean =>
    jobs.value.some((job) => job.artifact?.id === artifactId && isUnfinished(job));

type Listener = (organizationId: string, artifact: Artifact) => void;
const listeners = new Set<Listener>();

/** Calls `listener` for each artifact whose file has arrived. Returns what ends that. */
export const onUploaded = (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
};

type NewUpload = { name?: string; mediaType?: MediaType; labels?: readonly string[] | undefined; artifact?: Artifact };

/** Uploads a file, for a new artifact or for one that waits for it. */
export const upload = (organizationId: string, file: File, given: NewUpload = {}): void => {
    const { name, mediaType, labels = [], artifact } = given;
    const job: Job = {
        id: ++count,
        organizationId,
        name: artifact?.name ?? name ?? documentName(file.name),
        file,
        mediaType: artifact?.mediaType ?? mediaType ?? mediaTypeOf(file),
        labels,
        state: signal("waiting"),
        sent: signal(0),
        failure: signal(null),
        stop: new AbortController(),
        artifact: artifact ?? null,
        isResumed: artifact !== undefined,
        allowDuplicate: false,
        key: crypto.randomUUID(),
    };
    if (!jobs.value.some(isUnfinished)) finished = 0;
    jobs.value = [...jobs.value, job];
    const refusal = refusalOf(job);
    if (refusal === null) next();
    else fail(job, { text: refusal, mayRetry: false });
};

const refusalOf = ({ file, mediaType, artifact }: Job): string | null => {
    if (mediaType === null) return texts.unknownType;
    if (file.size > MAX_BYTES) return texts.tooLarge;
    if (file.size === 0) return texts.failures["empty-file"];
    return artifact && artifact.byteSize !== file.size ? texts.otherFile : null;
};

const jobOf = (upload: Upload): Job | undefined => jobs.value.find(({ id }) => id === upload.id);

/** Tries a failed upload again; with `allowDuplicate` also if the same content is here already. */
export const retryUpload = (upload: Upload, allowDuplicate = false): void => {
    const job = jobOf(upload);
    if (job === undefined) return;
    if (allowDuplicate) {
        job.allowDuplicate = true;
        // Another request than the refused one.
        job.key = crypto.randomUUID();
    }
    job.stop = new AbortController();
    job.failure.value = null;
    job.state.value = "waiting";
    next();
};

/** Ends an upload, and deletes its artifact, which would wait for its file. */
export const cancelUpload = (upload: Upload): void => {
    const job = jobOf(upload);
    if (job === undefined) return;
    drop(job);
    if (job.artifact === null || job.isResumed) return;
    const path = { organizationId: job.organizationId, artifactId: job.artifact.id };
    // If it fails, the artifact expires by itself.
    call(api.DELETE("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path } })).catch(
        () => undefined,
    );
};

const drop = (job: Job) => {
    job.stop.abort();
    jobs.value = jobs.value.filter(({ id }) => id !== job.id);
    next();
};

const isActive = ({ state }: Job): boolean => state.value === "hashing" || state.value === "sending";

const isUnfinished = ({ state }: Job): boolean => state.value !== "failed";

const next = () => {
    const free = AT_ONCE - jobs.value.filter(isActive).length;
    for (const job of jobs.value.filter(({ state }) => state.value === "waiting").slice(0, Math.max(0, free))) {
        job.state.value = "hashing";
        void run(job);
    }
};

const run = async (job: Job) => {
    const { signal } = job.stop;
    try {
        await send(job, signal);
        if (!signal.aborted) finish(job);
    } catch (error) {
        if (!signal.aborted) fail(job, explain(error));
    }
};

const finish = (job: Job) => {
    const { artifact, organizationId } = job;
    if (artifact !== null) {
        for (const listener of listeners) listener(organizationId, artifact);
    }
    finished++;
    drop(job);
    if (!jobs.value.some(isUnfinished)) say(texts.uploaded(finished));
};

const fail = (job: Job, refusal: Refusal) => {
    job.failure.value = refusal;
    job.state.value = "failed";
    next();
};

whenUserChanges(() => {
    for (const job of jobs.peek()) job.stop.abort();
    jobs.value = [];
});

let isWarning = true;

addEventListener("beforeunload", (event) => {
    if (isWarning && jobs.value.some(isUnfinished)) event.preventDefault();
});

/** Follows a link to a download, which does not end the uploads. */
export const withoutWarning = (follow: () => void): void => {
    isWarning = false;
    follow();
    setTimeout(() => {
        isWarning = true;
    }, 1_000);
};
