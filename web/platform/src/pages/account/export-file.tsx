// The file with everything that is stored about a person.

import { useEffect, useState } from "preact/hooks";
import { stream } from "../../api/client";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { Notice } from "../../components/badge";
import { Button, LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { account as texts } from "../../texts";

type File = components["schemas"]["ExportFile"];
type State =
    | { kind: "none" }
    | { kind: "writing" }
    | { kind: "failed"; problem: Problem }
    | { kind: "ready"; file: File };

const isFile = (body: unknown): body is { data: File } =>
    typeof body === "object" &&
    body !== null &&
    "data" in body &&
    typeof body.data === "object" &&
    body.data !== null &&
    "url" in body.data;

/** Writes the file. Not by `call`: it may take longer than the deadline of other requests. */
const write = async (): Promise<State> => {
    try {
        const response = await stream("/v1/auth/me/exports", { method: "POST" });
        const body: unknown = await response.json();
        return isFile(body)
            ? { kind: "ready", file: body.data }
            : { kind: "failed", problem: Problem.of(response, body) };
    } catch (error) {
        return { kind: "failed", problem: Problem.from(error) };
    }
};

const time = new Intl.DateTimeFormat("en", { timeStyle: "short" });

export const ExportFile = () => {
    const [state, setState] = useState<State>({ kind: "none" });
    const begin = () => {
        setState({ kind: "writing" });
        void write().then(setState);
    };
    useEffect(() => {
        if (state.kind !== "ready") return;
        const left = new Date(state.file.expiresAt).getTime() - Date.now();
        const timer = setTimeout(() => setState({ kind: "none" }), Math.max(0, left));
        return () => clearTimeout(timer);
    }, [state]);
    return (
        <div class="card stack">
            {state.kind === "failed" && <Failure problem={state.problem} />}
            <div class="stack" role="status">
                {(state.kind === "none" || state.kind === "failed") && <p>{texts.fileHint}</p>}
                {state.kind === "writing" && (
                    <>
                        <p>{texts.writing}</p>
                        <div class="account-writing" role="progressbar" aria-label={texts.file} />
                    </>
                )}
                {state.kind === "ready" && (
                    <Notice tone="success">
                        <p class="strong">{texts.fileReady}</p>
                        <p>{texts.fileReadyText(time.format(new Date(state.file.expiresAt)))}</p>
                    </Notice>
                )}
            </div>
            <div class="row">
                {state.kind === "ready" ? (
                    <LinkButton look="primary" icon="download" href={state.file.url} download>
                        {texts.downloadFile}
                    </LinkButton>
                ) : (
                    <Button icon="artifacts" busy={state.kind === "writing"} onClick={begin}>
                        {texts.writeFile}
                    </Button>
                )}
            </div>
        </div>
    );
};
