import type { ComponentChildren } from "preact";
import type { List } from "../api/pages";
import { general as texts } from "../texts";
import { Button } from "./button";
import { Failure } from "./failure";
import { SkeletonRows } from "./skeleton";
import "./table.css";

export type Column<T> = {
    /** The head of the column; empty for one of buttons. */
    head: string;
    cell: (row: T) => ComponentChildren;
    /** The title of the card on a phone: one column has it. */
    primary?: boolean;
    /** Numbers, and the buttons of a row. */
    end?: boolean;
    /** As narrow as its content. */
    narrow?: boolean;
};

type TableProps<T> = {
    list: List<T>;
    columns: readonly Column<T>[];
    rowKey: (row: T) => string;
    /** What the table shows, for screen readers. */
    caption: string;
    /** What to say if there are no rows: an `Empty`. */
    empty: ComponentChildren;
};

/** A list as a table, as cards on a phone; with its skeleton, its failure and "Load more". */
export const Table = <T,>({ list, columns, rowKey, caption, empty }: TableProps<T>) => {
    const rows = list.items.value;
    const state = list.state.value;
    const problem = list.problem.value;
    if (state === "loading") return <SkeletonRows />;
    if (problem && rows.length === 0) return <Failure problem={problem} retry={list.retry} />;
    if (rows.length === 0) return <>{empty}</>;
    return (
        <div class="stack">
            {problem && <Failure problem={problem} retry={list.retry} />}
            <div class="table-frame">
                {/* Roles, because CSS that makes cards of rows takes the meaning of a table away. */}
                <table class="table" role="table">
                    <caption class="hidden">{caption}</caption>
                    <thead role="rowgroup">
                        <tr role="row">
                            {columns.map((column) => (
                                <th key={column.head} scope="col" role="columnheader" class={classes(column)}>
                                    {column.head || <span class="hidden">{texts.actions}</span>}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        {rows.map((row) => (
                            <tr key={rowKey(row)} role="row">
                                {columns.map((column) => (
                                    <td key={column.head} role="cell" class={classes(column)} data-head={column.head}>
                                        {column.cell(row)}
                                    </td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
                <LoadMore list={list} />
            </div>
        </div>
    );
};

/** The button that loads the next page of a list. */
export const LoadMore = <T,>({ list }: { list: List<T> }) =>
    list.hasMore.value ? (
        <div class="table-more">
            <Button size="small" busy={list.isLoadingMore.value} onClick={() => void list.loadMore()}>
                {texts.loadMore}
            </Button>
        </div>
    ) : null;

const classes = <T,>({ primary, end, narrow }: Column<T>): string =>
    [primary && "primary", end && "end", narrow && "narrow"].filter(Boolean).join(" ");
