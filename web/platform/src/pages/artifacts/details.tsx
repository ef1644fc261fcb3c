import { useEffect, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import type { Label } from "../../api/labels";
import type { Resource } from "../../api/pages";
import { profile } from "../../api/session";
import { Id } from "../../components/copy";
import { Bytes, number } from "../../components/numbers";
import { Time } from "../../components/time";
import { artifacts as texts } from "../../texts";
import "./details.css";
import { LabelLinks } from "./labels";
import { reasonOf, Status } from "./status";
import type { Artifact } from "./uploads";

type DetailsProps = {
    organizationId: string;
    base: string;
    artifact: Artifact;
    labels: Resource<Label[]>;
    retry: () => void;
    isBusy: boolean;
};

/** What is known about an artifact. */
export const Details = ({ organizationId, base, artifact, labels, retry, isBusy }: DetailsProps) => {
    const { failure, language } = artifact;
    const addedBy = useName(organizationId, artifact);
    return (
        <section class="card details" aria-labelledby="details">
            <h2 id="details">{texts.details}</h2>
            <dl>
                <dt>{texts.status}</dt>
                <dd>
                    <Status artifact={artifact} retry={retry} isBusy={isBusy} />
                    {failure?.detail && failure.detail !== reasonOf(artifact) && (
                        <p class="small soft">({failure.detail})</p>
                    )}
                </dd>
                <dt>{texts.type}</dt>
                <dd>{texts.types[artifact.mediaType]}</dd>
                <dt>{texts.size}</dt>
                <dd>
                    <Bytes value={artifact.byteSize} />
                </dd>
                {artifact.progress.of > 0 && (
                    <>
                        <dt>{texts.passages}</dt>
                        <dd class="number">{number(artifact.progress.of)}</dd>
                    </>
                )}
                {language && (
                    <>
                        <dt>{texts.language}</dt>
                        <dd>{language === "simple" ? texts.unknownLanguage : capital(language)}</dd>
                    </>
                )}
                <dt>{texts.labels}</dt>
                <dd>
                    <LabelLinks ids={artifact.labels} labels={labels} base={base} />
                    {artifact.labels.length === 0 && <span class="soft">{texts.noLabelsHere}</span>}
                </dd>
                <dt>{texts.added}</dt>
                <dd>
                    <Time value={artifact.createdAt} />
                </dd>
                <dt>{texts.addedBy}</dt>
                <dd>{addedBy}</dd>
                <dt>{texts.changed}</dt>
                <dd>
                    <Time value={artifact.updatedAt} />
                </dd>
                <dt>{texts.id}</dt>
                <dd class="small">
                    <Id value={artifact.id} label={texts.id} />
                </dd>
                <dt>{texts.checksum}</dt>
                <dd class="mono small">{artifact.sha256}</dd>
            </dl>
        </section>
    );
};

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Returns the name of the person who added an artifact. */
const useName = (organizationId: string, { createdBy, createdByKey }: Artifact): string => {
    const [name, setName] = useState<string>("…");
    const user = profile.value;
    useEffect(() => {
        if (!createdBy || createdBy === user?.id) return;
        setName("…");
        const stop = new AbortController();
        const path = { organizationId, memberId: createdBy };
        call(
            api.GET("/v1/organizations/{organizationId}/members/{memberId}", {
                params: { path },
                signal: stop.signal,
            }),
        )
            .then(({ body }) => setName(body.data.name))
            // A person who has left, most likely.
            .catch(() => !stop.signal.aborted && setName(texts.addedByUnknown));
        return () => stop.abort();
    }, [organizationId, createdBy, user?.id]);
    if (createdByKey) return texts.addedByKey;
    if (!createdBy) return texts.addedByUnknown;
    return createdBy === user?.id ? user.name : name;
};
