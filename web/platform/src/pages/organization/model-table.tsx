import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { List } from "../../api/pages";
import { number } from "../../components/numbers";
import { Table } from "../../components/table";
import { organization as texts } from "../../texts";
import { type Total, totalsOf, type UsageOfDay } from "./usage-sums";

const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Returns a list of rows that are there already. */
const listOf = <T,>(rows: T[]): List<T> => ({
    items: signal(rows),
    state: signal("ready"),
    problem: signal(null),
    hasMore: signal(false),
    isLoadingMore: signal(false),
    loadMore: () => Promise.resolve(),
    reload: () => Promise.resolve(),
    retry: () => Promise.resolve(),
});

/** The tokens of each model. */
export const ModelTable = ({ days }: { days: readonly UsageOfDay[] }) => {
    const totals = useMemo(() => totalsOf(days), [days]);
    const list = useMemo(() => listOf(totals), [totals]);
    const hasCosts = totals.some(({ cost }) => cost > 0);
    return (
        <div class="stack stack-s">
            <Table
                list={list}
                caption={texts.byModel}
                rowKey={({ kind, model }) => `${kind} ${model}`}
                columns={[
                    { head: texts.model, cell: ({ model }) => <span class="mono">{model}</span>, primary: true },
                    { head: texts.usedFor, cell: ({ kind }) => texts.kinds[kind] },
                    { head: texts.sentTokens, cell: ({ sent }) => <Count value={sent} />, end: true },
                    { head: texts.receivedTokens, cell: ({ received }) => <Count value={received} />, end: true },
                    ...(hasCosts
                        ? [
                              {
                                  head: texts.cost,
                                  cell: ({ cost }: Total) => <span class="number">{money.format(cost)}</span>,
                                  end: true,
                              },
                          ]
                        : []),
                ]}
                empty={null}
            />
            {hasCosts && <p class="soft small">{texts.costText}</p>}
        </div>
    );
};

const Count = ({ value }: { value: number }) => <span class="number">{number(value)}</span>;
