import type { ComponentChildren } from "preact";
import { useCallback, useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { type Label, useLabels } from "../../api/labels";
import { type List, type Resource, useList } from "../../api/pages";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { focusHeading } from "../../components/focus-heading";
import { Icon } from "../../components/icon";
import { Menu, MenuItem } from "../../components/menu";
import { Bytes } from "../../components/numbers";
import { PageHeader } from "../../components/page-header";
import { type Column, Table } from "../../components/table";
import { Time } from "../../components/time";
import { artifacts as texts } from "../../texts";
import { chooseFiles, download, remove, uploadAgain, useMayDelete, useRetry } from "./actions";
import { addText } from "./add-text";
import "./list.css";
import { Drop } from "./drop";
import { edit } from "./edit";
import { ENDINGS } from "./file";
import { clear, type Filter, Filters, filterOf, isFiltered } from "./filters";
import { useFollow } from "./follow";
import { LabelLinks, manageLabels } from "./labels";
import { isStored, Status, takesFile } from "./status";
import { UploadList } from "./upload-list";
import { type Artifact, onUploaded, upload } from "./uploads";

const Artifacts = ({ organizationId }: { organizationId: string }) => {
    const { query } = useLocation();
    const base = `/organizations/${organizationId}/artifacts`;
    const filter = filterOf(query);
    const labels = useLabels(organizationId);
    const list = useArtifacts(organizationId, filter);
    useFollow(organizationId, list);

    const send = useCallback(
        (files: File[]) => {
            for (const file of files) upload(organizationId, file);
        },
        [organizationId],
    );
    const choose = () => chooseFiles(ENDINGS, true, send);
    const add = (artifact: Artifact | undefined) => {
        if (artifact && !isFiltered(filter)) list.items.value = [artifact, ...list.items.value];
    };
    useEffect(
        () => onUploaded((organization, artifact) => organization === organizationId && show(list, filter, artifact)),
        [organizationId, list],
    );
    const isEmpty = list.state.value === "ready" && list.items.value.length === 0 && !isFiltered(filter);
    const buttons = (
        <>
            <Button look="primary" icon="upload" onClick={choose}>
                {texts.upload}
            </Button>
            <Button icon="add" onClick={() => void addText({ organizationId, labels }).then(add)}>
                {texts.addText}
            </Button>
        </>
    );
    return (
        <>
            <PageHeader title={texts.title} text={texts.text}>
                {buttons}
                <Button onClick={() => void manageLabels(organizationId, labels)}>{texts.labels}</Button>
            </PageHeader>
            <Drop dropped={send} />
            <UploadList organizationId={organizationId} base={base} />
            <div class="stack">
                {!isEmpty && <Filters base={base} filter={filter} labels={labels} />}
                <ArtifactTable organizationId={organizationId} base={base} list={list} labels={labels}>
                    {isFiltered(filter) ? (
                        <Empty icon="search" title={texts.nothing} text={texts.nothingText}>
                            <Button onClick={() => clear(base)}>{texts.clear}</Button>
                        </Empty>
                    ) : (
                        <Empty icon="upload" title={texts.empty} text={texts.emptyText}>
                            {buttons}
                        </Empty>
                    )}
                </ArtifactTable>
            </div>
        </>
    );
};

export default Artifacts;

const useArtifacts = (organizationId: string, { name, status, type, label }: Filter): List<Artifact> =>
    useList(
        ({ cursor }, signal) =>
            call(
                api.GET("/v1/organizations/{organizationId}/artifacts", {
                    params: {
                        path: { organizationId },
                        query: { cursor, limit: 50, name, status, mediaType: type, labelId: label },
                    },
                    signal,
                }),
            ),
        [organizationId, name, status, type, label],
    );

/** Shows an artifact whose file has arrived: in its row, or in a new one. */
const show = (list: List<Artifact>, filter: Filter, artifact: Artifact) => {
    const rows = list.items.peek();
    if (rows.some(({ id }) => id === artifact.id)) {
        list.items.value = rows.map((row) => (row.id === artifact.id ? { ...row, status: "pending" } : row));
    } else if (!isFiltered(filter)) list.items.value = [artifact, ...rows];
};

type TableProps = {
    organizationId: string;
    base: string;
    list: List<Artifact>;
    labels: Resource<Label[]>;
    children: ComponentChildren;
};

const ArtifactTable = ({ organizationId, base, list, labels, children }: TableProps) => {
    const mayDelete = useMayDelete(organizationId);
    const replace = (changed: Artifact | undefined) => {
        if (changed) list.items.value = list.items.value.map((row) => (row.id === changed.id ? changed : row));
    };
    const { retry, busy } = useRetry(organizationId, replace);
    const drop = async (artifact: Artifact) => {
        if (await remove(organizationId, artifact)) {
            list.items.value = list.items.value.filter(({ id }) => id !== artifact.id);
            focusHeading();
        }
    };
    const columns: Column<Artifact>[] = [
        {
            head: texts.name,
            primary: true,
            cell: (artifact) => <Name artifact={artifact} base={base} labels={labels} />,
        },
        { head: texts.type, narrow: true, cell: ({ mediaType }) => texts.types[mediaType] },
        { head: texts.size, narrow: true, end: true, cell: ({ byteSize }) => <Bytes value={byteSize} /> },
        {
            head: texts.status,
            cell: (artifact) => (
                <Status artifact={artifact} isBusy={busy === artifact.id} retry={() => void retry(artifact)} />
            ),
        },
        { head: texts.added, narrow: true, cell: ({ createdAt }) => <Time value={createdAt} /> },
        {
            head: "",
            narrow: true,
            end: true,
            cell: (artifact) => (
                <Menu label={texts.menu(artifact.name)}>
                    <MenuItem href={`${base}/${artifact.id}`} icon="eye">
                        {texts.open}
                    </MenuItem>
                    <MenuItem
                        icon="edit"
                        onClick={() => void edit({ organizationId, artifactId: artifact.id, labels }).then(replace)}
                    >
                        {texts.edit}
                    </MenuItem>
                    {isStored(artifact) && (
                        <MenuItem icon="download" onClick={() => void download(organizationId, artifact.id, "file")}>
                            {texts.download}
                        </MenuItem>
                    )}
                    {takesFile(artifact) && (
                        <MenuItem icon="upload" onClick={() => uploadAgain(organizationId, artifact)}>
                            {texts.uploadAgain}
                        </MenuItem>
                    )}
                    {mayDelete(artifact) && (
                        <MenuItem icon="trash" danger onClick={() => void drop(artifact)}>
                            {texts.remove}
                        </MenuItem>
                    )}
                </Menu>
            ),
        },
    ];
    return <Table list={list} caption={texts.title} rowKey={({ id }) => id} columns={columns} empty={children} />;
};

type NameProps = { artifact: Artifact; base: string; labels: Resource<Label[]> };

const Name = ({ artifact, base, labels }: NameProps) => (
    <div class="artifact-name">
        <Icon name="artifacts" />
        <div class="stack stack-s">
            <a class="artifact-link" href={`${base}/${artifact.id}`}>
                {artifact.name}
            </a>
            {artifact.description && <p class="small soft artifact-description">{artifact.description}</p>}
            <LabelLinks ids={artifact.labels} labels={labels} base={base} />
        </div>
    </div>
);
