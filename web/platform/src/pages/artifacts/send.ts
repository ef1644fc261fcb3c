// Sends one file: its checksum, the artifact, the bytes.

import { api, call } from "../../api/client";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { words } from "../../components/failure";
import { bytes } from "../../components/numbers";
import { artifacts as texts } from "../../texts";
import { sha256 } from "./file";
import { put } from "./put";
import type { Artifact, Job } from "./uploads";

type UploadRequest = components["schemas"]["ArtifactUpload"];

/** Why a file was not sent. */
export type Refusal = {
    text: string;
    mayRetry: boolean;
    requestId?: string | null;
    /** The id of the artifact with the same content. */
    existing?: string | null;
};

const MOST_WAITS = 5;
/** S3: the object exists. Its address belongs to this file alone, so the file has arrived, and only the answer was lost. */
const EXISTS = 412;

/** A refusal that is not the API's. */
class Refused extends Error {
    constructor(
        text: string,
        readonly mayRetry: boolean,
    ) {
        super(text);
    }
}

/** Returns after storage has the file. */
export const send = async (job: Job, signal: AbortSignal) => {
    const sum = await sha256(job.file).catch(() => {
        throw new Refused(texts.unreadable, false);
    });
    const request = await patiently(() => announce(job, sum, signal), signal);
    if (request === null) return;
    job.sent.value = 0;
    job.state.value = "sending";
    const status = await put(
        request,
        job.file,
        (sent) => {
            job.sent.value = Math.min(sent, job.file.size);
        },
        signal,
    );
    if (status !== EXISTS && (status < 200 || status > 299)) throw new Refused(texts.refused, true);
};

/** Tells the API about the file. Returns the request that uploads it; null if it has arrived already. */
const announce = async (job: Job, sum: string, signal: AbortSignal): Promise<UploadRequest | null> => {
    if (job.artifact !== null) return announceAgain(job, job.artifact, sum, signal);
    const { organizationId, name, labels, mediaType, allowDuplicate } = job;
    if (mediaType === null) throw new Refused(texts.unknownType, false);
    const file = { mediaType, byteSize: job.file.size, sha256: sum };
    const { body } = await call(
        api.POST("/v1/organizations/{organizationId}/artifacts", {
            params: { path: { organizationId }, header: { "Idempotency-Key": job.key } },
            body: { name, labels: [...labels], file, allowDuplicate },
            signal,
        }),
    );
    const { upload, ...artifact } = body.data;
    job.artifact = artifact;
    return upload ?? null;
};

const announceAgain = async (
    { organizationId }: Job,
    artifact: Artifact,
    sum: string,
    signal: AbortSignal,
): Promise<UploadRequest | null> => {
    if (artifact.sha256 !== sum) throw new Refused(texts.otherFile, false);
    const path = { organizationId, artifactId: artifact.id };
    try {
        const { body } = await call(
            api.POST("/v1/organizations/{organizationId}/artifacts/{artifactId}/upload", { params: { path }, signal }),
        );
        return body.data;
    } catch (error) {
        if (Problem.from(error).code === "artifact-not-pending") return null;
        throw error;
    }
};

/** Waits as long as the API says, and asks again: many files at once are more requests than a session may send. */
const patiently = async <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (let waits = 0; ; waits++) {
        try {
            return await ask();
        } catch (error) {
            const { code, retryAfter } = Problem.from(error);
            if (code !== "too-many-requests" || waits === MOST_WAITS || signal.aborted) throw error;
            await new Promise((resolve) => setTimeout(resolve, (retryAfter ?? 10) * 1_000));
        }
    }
};

/** Says why `send` has failed. */
export const explain = (error: unknown): Refusal => {
    if (error instanceof Refused) return { text: error.message, mayRetry: error.mayRetry };
    const problem = Problem.from(error);
    const { requestId, body } = problem;
    if (problem.code === "same-content-exists") {
        return { text: texts.sameContent, mayRetry: false, existing: body?.artifactId ?? null };
    }
    return { text: wordsOf(problem), requestId, mayRetry: true };
};

/** Returns a refusal to store something in words. */
export const wordsOf = (problem: Problem): string => {
    const { used, limit } = problem.body ?? {};
    return problem.code === "plan-limit-reached" && used !== undefined && limit !== undefined
        ? texts.storageFull(bytes(used), bytes(limit))
        : words(problem);
};
