import { Button } from "../../components/button";
import { Meter } from "../../components/chart";
import { focusHeading } from "../../components/focus-heading";
import { Icon } from "../../components/icon";
import { bytes } from "../../components/numbers";
import { general, artifacts as texts } from "../../texts";
import "./upload-list.css";
import { cancelUpload, retryUpload, type Upload, uploadsOf } from "./uploads";

/** The files that are on their way, and those that did not arrive. */
export const UploadList = ({ organizationId, base }: { organizationId: string; base: string }) => {
    const uploads = uploadsOf(organizationId);
    const failed = uploads.filter(({ state }) => state.value === "failed");
    if (uploads.length === 0) return null;
    return (
        <section class="card uploads" aria-labelledby="uploads">
            <div class="row row-between">
                <h2 id="uploads">{texts.uploads}</h2>
                {failed.length > 1 && (
                    <Button size="small" onClick={() => press(() => failed.forEach(cancelUpload))}>
                        {texts.removeFailed}
                    </Button>
                )}
            </div>
            <ul>
                {uploads.map((upload) => (
                    <Row key={upload.id} upload={upload} base={base} />
                ))}
            </ul>
        </section>
    );
};

/** Does what a button says, which is gone then. */
const press = (work: () => void) => {
    work();
    focusHeading();
};

const Row = ({ upload, base }: { upload: Upload; base: string }) => {
    const { name, file, state } = upload;
    const isFailed = state.value === "failed";
    return (
        <li class="upload">
            <Icon name={isFailed ? "warning" : "artifacts"} />
            <div class="grow stack stack-s">
                <p class="upload-name">
                    <span class="cut" title={name}>
                        {name}
                    </span>
                    <span class="small soft number">{progressOf(upload)}</span>
                </p>
                {isFailed ? (
                    <Failed upload={upload} base={base} />
                ) : (
                    <Meter label={texts.progressOf(name)} value={upload.sent.value} max={file.size} />
                )}
            </div>
            <Button
                look="quiet"
                size="small"
                icon="close"
                label={isFailed ? texts.removeUpload(name) : texts.cancelUpload(name)}
                onClick={() => press(() => cancelUpload(upload))}
            />
        </li>
    );
};

const progressOf = ({ state, sent, file }: Upload): string => {
    if (state.value === "waiting") return texts.waits;
    if (state.value === "hashing") return texts.hashes;
    return state.value === "sending" ? texts.sends(bytes(sent.value), bytes(file.size)) : "";
};

const Failed = ({ upload, base }: { upload: Upload; base: string }) => {
    const failure = upload.failure.value;
    if (failure === null) return null;
    const { text, requestId, mayRetry, existing } = failure;
    return (
        <>
            <p class="small upload-failed" role="alert">
                {text}
                {requestId && (
                    <span class="failure-id">
                        {" "}
                        {general.requestId} <code>{requestId}</code>
                    </span>
                )}
            </p>
            {(mayRetry || existing) && (
                <div class="row">
                    {existing && (
                        <>
                            <a class="small" href={`${base}/${existing}`}>
                                {texts.showExisting}
                            </a>
                            <Button size="small" onClick={() => press(() => retryUpload(upload, true))}>
                                {texts.uploadAnyway}
                            </Button>
                        </>
                    )}
                    {mayRetry && (
                        <Button size="small" icon="retry" onClick={() => press(() => retryUpload(upload))}>
                            {general.tryAgain}
                        </Button>
                    )}
                </div>
            )}
        </>
    );
};
