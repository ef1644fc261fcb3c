import { useRef } from "preact/hooks";
import { api, call } from "../../api/client";
import { manages, useRole } from "../../api/organizations";
import { type List, useList } from "../../api/pages";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { PageHeader } from "../../components/page-header";
import { Table } from "../../components/table";
import { Time } from "../../components/time";
import { organization as texts } from "../../texts";
import { type ApiKey, createKey } from "./api-key-form";
import { ApiKeyMenu } from "./api-key-menu";
import { ForRole } from "./for-role";
import { peopleOf } from "./people";
import { askForLimit } from "./rate-limit";
import { ScopesShort } from "./scopes";

const PAGE = 50;
const SOON = 14 * 86_400_000;

type Current = { current: List<ApiKey> | null };

const ApiKeys = ({ organizationId }: { organizationId: string }) => {
    const role = useRole(organizationId);
    const current: Current = useRef(null);
    const create = async () => {
        if (await createKey(organizationId)) await current.current?.reload();
    };
    return (
        <>
            <PageHeader title={texts.apiKeys} text={texts.apiKeysText}>
                {manages(role) && (
                    <>
                        <Button icon="budget" onClick={() => void askForLimit({ organizationId })}>
                            {texts.requestLimit}
                        </Button>
                        <Button look="primary" icon="add" onClick={() => void create()}>
                            {texts.createKey}
                        </Button>
                    </>
                )}
            </PageHeader>
            <ForRole organizationId={organizationId} refusal={texts.apiKeysRefused}>
                {() => <KeyList organizationId={organizationId} current={current} create={create} />}
            </ForRole>
        </>
    );
};

type ListProps = { organizationId: string; current: Current; create: () => Promise<void> };

const KeyList = ({ organizationId, current, create }: ListProps) => {
    const list = useList(
        ({ cursor }, signal) => {
            const params = {
                path: { organizationId },
                query: { cursor, limit: PAGE, sort: "-createdAt" as const },
            };
            return call(api.GET("/v1/organizations/{organizationId}/api-keys", { params, signal }));
        },
        [organizationId],
    );
    current.current = list;
    const { nameOf } = peopleOf(organizationId);
    const by = ({ createdBy }: ApiKey) => createdBy && nameOf(createdBy);
    return (
        <Table
            list={list}
            caption={texts.apiKeys}
            rowKey={({ id }) => id}
            columns={[
                { head: texts.name, cell: ({ name }) => <span class="strong">{name}</span>, primary: true },
                { head: texts.scopes, cell: ({ scopes }) => <ScopesShort scopes={scopes} /> },
                {
                    head: texts.created,
                    cell: (key) => (
                        <div>
                            <Time value={key.createdAt} as="day" />
                            {by(key) && <span class="below">{texts.by(by(key) ?? "")}</span>}
                        </div>
                    ),
                },
                {
                    head: texts.lastUsed,
                    cell: ({ lastUsedAt }) => (lastUsedAt ? <Time value={lastUsedAt} /> : texts.never),
                    narrow: true,
                },
                { head: texts.expires, cell: (key) => <Expiry apiKey={key} />, narrow: true },
                {
                    head: "",
                    cell: (key) => <ApiKeyMenu organizationId={organizationId} apiKey={key} list={list} />,
                    end: true,
                    narrow: true,
                },
            ]}
            empty={
                <Empty icon="key" title={texts.noKeys} text={texts.noKeysText}>
                    <Button look="primary" icon="add" onClick={() => void create()}>
                        {texts.createKey}
                    </Button>
                </Empty>
            }
        />
    );
};

const Expiry = ({ apiKey }: { apiKey: ApiKey }) => {
    const now = Date.now();
    const { expiresAt, previousExpiresAt } = apiKey;
    const left = expiresAt ? Date.parse(expiresAt) - now : Number.POSITIVE_INFINITY;
    const hasTwo = previousExpiresAt && Date.parse(previousExpiresAt) > now;
    return (
        <div>
            {expiresAt ? <Time value={expiresAt} as="day" /> : texts.never}{" "}
            {left <= 0 && <Badge tone="danger">{texts.expired}</Badge>}
            {left > 0 && left < SOON && <Badge tone="warning">{texts.expiresSoon}</Badge>}
            {hasTwo && (
                <span class="below">
                    {texts.oldSecret} <Time value={previousExpiresAt} />
                </span>
            )}
        </div>
    );
};

export default ApiKeys;
