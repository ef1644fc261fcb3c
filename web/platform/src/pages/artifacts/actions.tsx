// What people do with one artifact.

import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { manages, useRole } from "../../api/organizations";
import { Problem } from "../../api/problem";
import { profile } from "../../api/session";
import { confirm } from "../../components/confirm";
import { words } from "../../components/failure";
import { focusHeading } from "../../components/focus-heading";
import { say } from "../../components/toast";
import { artifacts as texts } from "../../texts";
import { wordsOf } from "./send";
import { type Artifact, upload, withoutWarning } from "./uploads";

/** Returns whether the signed-in person may delete an artifact: their own, or all as an administrator. */
export const useMayDelete = (organizationId: string): ((artifact: Artifact) => boolean) => {
    const role = useRole(organizationId);
    return ({ createdBy }) => manages(role) || createdBy === profile.value?.id;
};

/** Processes failed artifacts again. */
export const useRetry = (organizationId: string, done: (artifact: Artifact) => void) => {
    const [busy, setBusy] = useState<string | null>(null);
    const retry = async ({ id }: Artifact) => {
        setBusy(id);
        const path = { organizationId, artifactId: id };
        try {
            const { body } = await call(
                api.POST("/v1/organizations/{organizationId}/artifacts/{artifactId}/retry", { params: { path } }),
            );
            say(texts.retried);
            done(body.data);
            // The button is gone.
            focusHeading();
        } catch (error) {
            const problem = Problem.from(error);
            say(problem.code === "nothing-to-retry" ? texts.nothingToRetry : wordsOf(problem));
        } finally {
            setBusy(null);
        }
    };
    return { retry, busy };
};

/** Lets the browser save the file of an artifact, or its text. */
export const download = async (organizationId: string, artifactId: string, as: "file" | "text"): Promise<void> => {
    const path = { organizationId, artifactId };
    try {
        const { body } = await call(
            api.POST("/v1/organizations/{organizationId}/artifacts/{artifactId}/download", {
                params: { path },
                body: { as },
            }),
        );
        // The storage answers with an attachment, so the page stays.
        withoutWarning(() => location.assign(body.data.url));
    } catch (error) {
        const problem = Problem.from(error);
        if (problem.code === "artifact-not-uploaded") say(texts.notUploaded);
        else if (problem.code === "text-not-extracted") say(texts.textNotThere);
        else say(words(problem));
    }
};

/** Asks, and deletes an artifact. Returns whether it is deleted. */
export const remove = async (organizationId: string, { id, name }: Artifact): Promise<boolean> => {
    const path = { organizationId, artifactId: id };
    const isGone = await confirm({
        title: texts.removeTitle(name),
        text: texts.removeText,
        action: texts.remove,
        danger: true,
        run: () =>
            call(api.DELETE("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path } })).catch(
                (error: unknown) => {
                    // Somebody else was faster.
                    if (Problem.from(error).code !== "artifact-not-found") throw error;
                },
            ),
    });
    if (isGone) say(texts.removed(name));
    return isGone;
};

/** Lets the person choose files. */
export const chooseFiles = (accept: string, isMany: boolean, chosen: (files: File[]) => void): void => {
    const field = document.createElement("input");
    field.type = "file";
    field.accept = accept;
    field.multiple = isMany;
    field.hidden = true;
    field.onchange = () => {
        chosen([...(field.files ?? [])]);
        field.remove();
    };
    field.oncancel = () => field.remove();
    document.body.append(field);
    field.click();
};

/** Lets the person choose the file that an artifact waits for. */
export const uploadAgain = (organizationId: string, artifact: Artifact): void =>
    chooseFiles("", false, ([file]) => file && upload(organizationId, file, { artifact }));
