import { useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { useList } from "../../api/pages";
import { Button, LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { Table } from "../../components/table";
import { Time } from "../../components/time";
import { administration as texts } from "../../texts";
import "./administration.css";
import { Frame } from "./frame";
import { States, type User } from "./states";

const PATH = "/administration/users";
const STATUSES = ["active", "suspended", "deleted", "erased"] as const;
type Status = (typeof STATUSES)[number];

type Filter = { status: Status | undefined; isOldestFirst: boolean };

/** Returns the path of this page with a filter. An address of a person never stands in the address of a page. */
const pathOf = ({ status, isOldestFirst }: Filter): string => {
    const query = new URLSearchParams({
        ...(status && { status }),
        ...(isOldestFirst && { sort: "createdAt" }),
    });
    return query.size > 0 ? `${PATH}?${query}` : PATH;
};

const Users = () => {
    const { query } = useLocation();
    const [email, setEmail] = useState("");
    const search = useRef<HTMLDivElement>(null);
    const clear = () => {
        setEmail("");
        search.current?.querySelector("form")?.reset();
        search.current?.querySelector("input")?.focus();
    };
    const status = STATUSES.find((one) => one === query.status);
    const isOldestFirst = query.sort === "createdAt";
    const users = useList(
        ({ cursor }, signal) =>
            call(
                api.GET("/v1/users", {
                    params: {
                        query: {
                            cursor,
                            limit: 50,
                            sort: isOldestFirst ? "createdAt" : "-createdAt",
                            // Somebody who is looked for is found in every state.
                            ...(email === "" ? { status } : { email }),
                        },
                    },
                    signal,
                }),
            ),
        [email, status, isOldestFirst],
    );
    return (
        <Frame title={texts.users} text={texts.usersText} problem={users.problem.value}>
            <div ref={search}>
                <Search find={setEmail} clear={email === "" ? undefined : clear} />
            </div>
            {email === "" && <Filters filter={{ status, isOldestFirst }} />}
            <Table
                list={users}
                caption={texts.users}
                rowKey={({ id }) => id}
                columns={[
                    { head: texts.user, cell: (user) => <Person user={user} />, primary: true },
                    { head: texts.state, cell: (user) => <States user={user} /> },
                    { head: texts.created, cell: ({ createdAt }) => <Time value={createdAt} />, narrow: true },
                ]}
                empty={email === "" ? <Nobody /> : <NotFound clear={clear} />}
            />
        </Frame>
    );
};

const Person = ({ user }: { user: User }) => (
    <span class="person">
        <a href={`${PATH}/${user.id}`}>{user.name}</a>
        <span class="soft small">{user.email}</span>
    </span>
);

const Search = ({ find, clear }: { find: (email: string) => void; clear: (() => void) | undefined }) => {
    const form = useForm({
        send: async ({ values }) => values.text("email"),
        done: find,
    });
    return (
        <Form form={form} class="search-row">
            <TextField
                form={form}
                name="email"
                type="email"
                label={texts.findByEmail}
                placeholder="ada@example.com"
                quiet
            />
            <div class="form-actions">
                <Submit form={form}>{texts.find}</Submit>
                {clear && <Button onClick={clear}>{texts.clear}</Button>}
            </div>
        </Form>
    );
};

const Filters = ({ filter }: { filter: Filter }) => (
    <div class="row row-between">
        <nav class="pills" aria-label={texts.filterByStatus}>
            {[undefined, ...STATUSES].map((status) => (
                <a
                    key={status ?? ""}
                    href={pathOf({ ...filter, status })}
                    aria-current={status === filter.status ? "page" : undefined}
                >
                    {status ? texts.statuses[status] : texts.allStatuses}
                </a>
            ))}
        </nav>
        <nav class="pills" aria-label={texts.order}>
            {[false, true].map((isOldestFirst) => (
                <a
                    key={String(isOldestFirst)}
                    href={pathOf({ ...filter, isOldestFirst })}
                    aria-current={isOldestFirst === filter.isOldestFirst ? "page" : undefined}
                >
                    {isOldestFirst ? texts.oldestFirst : texts.newestFirst}
                </a>
            ))}
        </nav>
    </div>
);

const Nobody = () => (
    <Empty icon="users" title={texts.noUsers} text={texts.noUsersText}>
        <LinkButton href={PATH}>{texts.showAll}</LinkButton>
    </Empty>
);

const NotFound = ({ clear }: { clear: () => void }) => (
    <Empty icon="search" title={texts.notFound} text={texts.notFoundText}>
        <Button onClick={clear}>{texts.showAll}</Button>
    </Empty>
);

export default Users;
