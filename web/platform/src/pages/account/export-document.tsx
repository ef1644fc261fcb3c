// What is stored about a person, to look at.

import { Fragment } from "preact";
import { own } from "../../api/own";
import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { download } from "../../components/download";
import { Icon } from "../../components/icon";
import { account as texts } from "../../texts";

export type Export = components["schemas"]["Export"];
type Records = components["schemas"]["ExportedRecords"];

const nameOf = ({ table }: Records): string => own(texts.tables, table) ?? table.replaceAll("_", " ");

const hasRows = ({ rows, pagedAt }: Records): boolean => rows.length > 0 || Boolean(pagedAt);

export const ExportDocument = ({ document }: { document: Export }) => {
    const without = document.records.filter((records) => !hasRows(records));
    const save = () => download(texts.documentFile, JSON.stringify(document, null, 4), "application/json");
    return (
        <>
            <div class="card account-rows">
                {document.records.filter(hasRows).map((records) => (
                    <Table key={records.table} records={records} />
                ))}
            </div>
            {without.length > 0 && <p class="soft small">{texts.nothingIn(without.map(nameOf).join(", "))}</p>}
            <div class="row">
                <Button size="small" icon="download" onClick={save}>
                    {texts.downloadDocument}
                </Button>
            </div>
        </>
    );
};

const Table = ({ records }: { records: Records }) => {
    const { rows, purposes, retention, complete, pagedAt } = records;
    const name = nameOf(records);
    return (
        <details class="account-table">
            <summary>
                <Icon name="chevron" />
                <span class="strong grow">{name}</span>
                {!pagedAt && <Badge>{texts.entries(rows.length)}</Badge>}
            </summary>
            <div class="stack">
                <p class="soft small">
                    {texts.kept} {own(texts.retentions, retention) ?? retention}
                </p>
                <h3>{texts.purposes}</h3>
                <dl class="account-facts">
                    {Object.entries(purposes).map(([field, purpose]) => (
                        <Fragment key={field}>
                            <dt>
                                <code>{field}</code>
                            </dt>
                            <dd>{purpose}</dd>
                        </Fragment>
                    ))}
                </dl>
                {pagedAt ? (
                    <p>
                        <a href="/account/activity">{texts.inPages}</a>
                    </p>
                ) : (
                    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach what scrolls.
                    <pre class="account-json" tabIndex={0} role="region" aria-label={texts.entriesOf(name)}>
                        {JSON.stringify(rows, null, 2)}
                    </pre>
                )}
                {!complete && <p class="soft small">{texts.notComplete}</p>}
            </div>
        </details>
    );
};
