import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { type Label, useLabels } from "../../api/labels";
import { type Resource, useResource } from "../../api/pages";
import { Button, LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { Icon } from "../../components/icon";
import { Loaded } from "../../components/loaded";
import { Menu, MenuItem } from "../../components/menu";
import { PageHeader } from "../../components/page-header";
import { navigate } from "../../navigation";
import { general, artifacts as texts } from "../../texts";
import { download, remove, uploadAgain, useMayDelete, useRetry } from "./actions";
import "./show.css";
import { Details } from "./details";
import { edit } from "./edit";
import { usePolling } from "./polling";
import { hasText, isMoving, isStored, takesFile } from "./status";
import { Text } from "./text";
import { UploadList } from "./upload-list";
import { type Artifact, onUploaded } from "./uploads";

const ShowArtifact = ({ organizationId, artifactId }: { organizationId: string; artifactId: string }) => {
    const path = { organizationId, artifactId };
    const base = `/organizations/${organizationId}/artifacts`;
    const labels = useLabels(organizationId);
    const load = (signal: AbortSignal) =>
        call(api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path }, signal }));
    const resource = useResource(load, [organizationId, artifactId]);
    const artifact = resource.value.value;
    usePolling(artifact !== undefined && isMoving(artifact), async (signal) => {
        const before = JSON.stringify(resource.value.peek());
        const answer = await load(signal);
        resource.set(answer);
        return JSON.stringify(answer.body.data) !== before;
    });
    useEffect(() => onUploaded((_, { id }) => id === artifactId && void resource.reload()), [artifactId, resource]);
    const parts = { organizationId, base, labels, resource };
    return (
        <>
            <PageHeader
                title={artifact?.name ?? (resource.problem.value ? texts.title : general.loading)}
                text={artifact?.description}
                back={{ href: base, text: texts.title }}
            >
                {artifact && <Buttons artifact={artifact} {...parts} />}
            </PageHeader>
            <UploadList organizationId={organizationId} base={base} />
            <Loaded resource={resource}>{(value) => <Content artifact={value} {...parts} />}</Loaded>
        </>
    );
};

export default ShowArtifact;

type PartProps = {
    artifact: Artifact;
    organizationId: string;
    base: string;
    labels: Resource<Label[]>;
    resource: Resource<Artifact>;
};

const Buttons = ({ artifact, organizationId, base, labels, resource }: PartProps) => {
    const { id, status } = artifact;
    const mayDelete = useMayDelete(organizationId);
    const change = async () => {
        const changed = await edit({ organizationId, artifactId: id, labels });
        if (changed) resource.value.value = changed;
    };
    const drop = async () => {
        if (await remove(organizationId, artifact)) navigate(base);
    };
    const hasMenu = hasText(artifact) || takesFile(artifact) || mayDelete(artifact);
    return (
        <>
            {status === "ready" && (
                <LinkButton icon="search" href={`/organizations/${organizationId}/search?artifact=${id}`}>
                    {texts.searchInIt}
                </LinkButton>
            )}
            {isStored(artifact) && (
                <Button icon="download" onClick={() => void download(organizationId, id, "file")}>
                    {texts.download}
                </Button>
            )}
            <Button icon="edit" onClick={() => void change()}>
                {texts.edit}
            </Button>
            {hasMenu && (
                <Menu label={texts.menu(artifact.name)} buttonClass="button button-icon" button={<Icon name="more" />}>
                    {hasText(artifact) && (
                        <MenuItem icon="download" onClick={() => void download(organizationId, id, "text")}>
                            {texts.downloadText}
                        </MenuItem>
                    )}
                    {takesFile(artifact) && (
                        <MenuItem icon="upload" onClick={() => uploadAgain(organizationId, artifact)}>
                            {texts.uploadAgain}
                        </MenuItem>
                    )}
                    {mayDelete(artifact) && (
                        <MenuItem icon="trash" danger onClick={() => void drop()}>
                            {texts.remove}
                        </MenuItem>
                    )}
                </Menu>
            )}
        </>
    );
};

const Content = ({ artifact, organizationId, base, labels, resource }: PartProps) => {
    const { query } = useLocation();
    const { retry, busy } = useRetry(organizationId, (changed) => {
        resource.value.value = changed;
    });
    return (
        <div class="artifact">
            <Details
                {...{ organizationId, base, artifact, labels }}
                retry={() => void retry(artifact)}
                isBusy={busy !== null}
            />
            <section class="stack artifact-text" aria-labelledby="text">
                <h2 id="text">{texts.theText}</h2>
                {hasText(artifact) ? (
                    <Text
                        {...{ organizationId, base }}
                        artifactId={artifact.id}
                        chunkId={query.chunk || undefined}
                        query={query.q ?? ""}
                    />
                ) : (
                    <NoText artifact={artifact} organizationId={organizationId} />
                )}
            </section>
        </div>
    );
};

const NoText = ({ artifact, organizationId }: { artifact: Artifact; organizationId: string }) => {
    if (takesFile(artifact)) {
        return (
            <Empty icon="upload" title={texts.noFile} text={texts.noFileText}>
                <Button look="primary" icon="upload" onClick={() => uploadAgain(organizationId, artifact)}>
                    {texts.uploadAgain}
                </Button>
            </Empty>
        );
    }
    return artifact.status === "failed" ? (
        <Empty icon="warning" title={texts.noText} text={texts.noTextText} />
    ) : (
        <Empty icon="artifacts" title={texts.noTextYet} text={texts.noTextYetText} />
    );
};
