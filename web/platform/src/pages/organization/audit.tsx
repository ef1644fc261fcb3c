import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, call } from "../../api/client";
import { AuditEvents } from "../../components/audit-events";
import type { AuditEvent } from "../../components/audit-words";
import { Button } from "../../components/button";
import { copyText } from "../../components/copy-text";
import { download } from "../../components/download";
import { PageHeader } from "../../components/page-header";
import { organization as texts } from "../../texts";
import { day } from "./days";
import { ForRole } from "./for-role";
import { peopleOf } from "./people";

const Audit = ({ organizationId }: { organizationId: string }) => {
    const loaded = useSignal<readonly AuditEvent[]>([]);
    const people = useMemo(() => peopleOf(organizationId), [organizationId]);
    return (
        <>
            <PageHeader title={texts.audit} text={texts.auditText}>
                {loaded.value.length > 0 && <AsJson events={loaded.value} />}
            </PageHeader>
            <ForRole organizationId={organizationId} refusal={texts.auditRefused}>
                {() => (
                    <AuditEvents
                        load={async (query, signal) => {
                            if (query.cursor === undefined) loaded.value = [];
                            const params = { path: { organizationId }, query };
                            const path = "/v1/organizations/{organizationId}/audit-events";
                            const answer = await call(api.GET(path, { params, signal }));
                            signal.throwIfAborted();
                            loaded.value = [...loaded.value, ...answer.body.data];
                            return answer;
                        }}
                        inputs={[organizationId]}
                        people={people}
                        areas={["organization", "work"]}
                    />
                )}
            </ForRole>
        </>
    );
};

/** Copies and downloads the events that are loaded. */
const AsJson = ({ events }: { events: readonly AuditEvent[] }) => {
    const json = () => JSON.stringify(events, null, 4);
    const copy = () => void copyText(json(), texts.eventsCopied(events.length));
    const save = () => download(`audit-log-${day(new Date())}.json`, json(), "application/json");
    return (
        <>
            <Button icon="copy" onClick={copy}>
                {texts.copyEvents}
            </Button>
            <Button icon="download" onClick={save}>
                {texts.downloadEvents}
            </Button>
        </>
    );
};

export default Audit;
