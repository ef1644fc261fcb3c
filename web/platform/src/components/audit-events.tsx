// An audit log: what happened, in words, with its filters. The page says which log, and whose names it knows.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { Answer } from "../api/client";
import { useList } from "../api/pages";
import { audit as texts } from "../texts";
import "./audit-events.css";
import { type AuditFilter, AuditFilters, beginOf, useAuditFilter, withFilter } from "./audit-filters";
import {
    AREAS,
    type Area,
    type AuditEvent,
    changed,
    happened,
    iconOf,
    isAboutUser,
    isRefused,
    otherActor,
} from "./audit-words";
import { LinkButton } from "./button";
import { Empty } from "./empty";
import { Failure } from "./failure";
import { Icon } from "./icon";
import { SkeletonRows } from "./skeleton";
import { LoadMore } from "./table";
import { Time } from "./time";

type Page = { data: AuditEvent[]; meta: { nextCursor?: string | null } };
type AuditQuery = {
    limit: number;
    cursor?: string | undefined;
    action?: string | undefined;
    actorId?: string | undefined;
    targetId?: string | undefined;
    since?: string | undefined;
    until?: string | undefined;
};

/** What a log knows about the people in it. */
export type People = {
    /** Returns the name of a user, if it is known. It may ask the API, and read a signal. */
    nameOf: (userId: string) => string | undefined;
    /** Returns the id of the user with this e-mail address. Without it, the log has no filter by person. */
    find?: (email: string) => Promise<string | undefined>;
    /** What is said of a person who is left out of the log. */
    other?: string;
    /** Returns the page about a user. */
    hrefOf?: (userId: string) => string;
};

type AuditEventsProps = {
    load: (query: AuditQuery, signal: AbortSignal) => Promise<Answer<Page>>;
    /** What `load` depends on. */
    inputs: readonly unknown[];
    people?: People;
    /** The actions that the filter offers. */
    areas?: readonly Area[];
};

const PAGE = 25;

export const AuditEvents = ({ load, inputs, people, areas = AREAS }: AuditEventsProps) => {
    const { path } = useLocation();
    const filter = useAuditFilter();
    const list = useList(
        ({ cursor }, signal) => load({ ...queryOf(filter), cursor, limit: PAGE }, signal),
        [...inputs, withFilter("", filter)],
    );
    const rows = list.items.value;
    const problem = list.problem.value;
    return (
        <>
            <AuditFilters filter={filter} people={people} areas={areas} />
            {problem && <Failure problem={problem} retry={list.retry} />}
            {list.state.value === "loading" && <SkeletonRows rows={8} />}
            {list.state.value === "ready" && rows.length === 0 && <Nothing filter={filter} path={path} />}
            {rows.length > 0 && (
                <div class="table-frame">
                    <ul class="events" aria-label={texts.events}>
                        {rows.map((event) => (
                            <li key={event.id}>
                                <Event event={event} people={people} filter={filter} />
                            </li>
                        ))}
                    </ul>
                    <LoadMore list={list} />
                </div>
            )}
        </>
    );
};

const queryOf = ({ action, actorId, targetId, from, until }: AuditFilter) => ({
    action,
    actorId,
    targetId,
    since: beginOf(from),
    until: beginOf(until, 1),
});

const Nothing = ({ filter, path }: { filter: AuditFilter; path: string }) =>
    withFilter("", filter) === "" ? (
        <Empty icon="audit" title={texts.noEvents} text={texts.noEventsText} />
    ) : (
        <Empty icon="audit" title={texts.noMatches} text={texts.noMatchesText}>
            <LinkButton href={path}>{texts.showAll}</LinkButton>
        </Empty>
    );

type EventProps = { event: AuditEvent; people: People | undefined; filter: AuditFilter };

const Event = ({ event, people, filter }: EventProps) => {
    const [isOpen, setOpen] = useState(false);
    const { actorId, targetId, action } = event;
    const nameOf = (id: string) => people?.nameOf(id) ?? texts.user(id.slice(-8));
    const actor = actorId ? nameOf(actorId) : otherActor(event, people?.other);
    const about = targetId && targetId !== actorId && isAboutUser(action) ? targetId : null;
    const target = about && nameOf(about);
    const changes = changed(event);
    return (
        <details
            class={isRefused(event.outcome) ? "event event-refused" : "event"}
            onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
        >
            <summary>
                <Icon name={iconOf(action)} />
                <span>
                    <span class="event-title">{happened(event)}</span>
                    <span class="event-note">
                        {[texts.by(actor), target && texts.about(target), changes].filter(Boolean).join(" · ")}
                    </span>
                </span>
                <span class="event-time">
                    <Time value={event.occurredAt} />
                </span>
                <Icon name="chevron" />
            </summary>
            {isOpen && <Details event={event} people={people} filter={filter} />}
        </details>
    );
};

const Details = ({ event, people, filter }: EventProps) => {
    const { path } = useLocation();
    const { actorId, targetId, action } = event;
    const only = (name: "actorId" | "targetId", id: string, text: string) =>
        people?.find && filter[name] !== id && <a href={withFilter(path, { [name]: id })}>{text}</a>;
    const changes = changed(event);
    return (
        <dl class="event-details">
            <Detail name={texts.time}>
                <Time value={event.occurredAt} as="exact" />
            </Detail>
            <Detail name={texts.action}>
                <code>{action}</code>
            </Detail>
            {changes !== "" && <Detail name={texts.changes}>{changes}</Detail>}
            {actorId && (
                <Detail name={texts.actor}>
                    <User id={actorId} people={people} />
                    {only("actorId", actorId, texts.onlyActor)}
                </Detail>
            )}
            {targetId && (
                <Detail name={texts.target}>
                    {isAboutUser(action) ? <User id={targetId} people={people} /> : <code>{targetId}</code>}
                    {only("targetId", targetId, texts.onlyTarget)}
                </Detail>
            )}
            <Code name={texts.organization} value={event.organizationId} />
            <Code name={texts.apiKey} value={event.apiKeyId} />
            <Code name={texts.session} value={event.sessionId} />
            <Code name={texts.ipAddress} value={event.ipAddress} />
            <Code name={texts.requestId} value={event.requestId} />
        </dl>
    );
};

const Detail = ({ name, children }: { name: string; children: ComponentChildren }) => (
    <div>
        <dt>{name}</dt>
        <dd>{children}</dd>
    </div>
);

const Code = ({ name, value }: { name: string; value: string | null | undefined }) =>
    value ? (
        <Detail name={name}>
            <code>{value}</code>
        </Detail>
    ) : null;

const User = ({ id, people }: { id: string; people: People | undefined }) => {
    const name = people?.nameOf(id);
    return (
        <>
            {name && (people?.hrefOf ? <a href={people.hrefOf(id)}>{name}</a> : <span>{name}</span>)}
            <code>{id}</code>
        </>
    );
};
