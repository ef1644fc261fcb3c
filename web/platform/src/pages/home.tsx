import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../api/client";
import { lastOrganization, loadOrganizations, type Organization, organizationList } from "../api/organizations";
import { type List, useList } from "../api/pages";
import { profile } from "../api/session";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { ask, Dialog } from "../components/dialog";
import { Empty } from "../components/empty";
import { Failure } from "../components/failure";
import { Initial } from "../components/organization-switcher";
import { PageHeader } from "../components/page-header";
import { sayFailure } from "../components/say-failure";
import { SkeletonRows } from "../components/skeleton";
import { LoadMore, Table } from "../components/table";
import { Time } from "../components/time";
import { say } from "../components/toast";
import { navigate } from "../navigation";
import { home as texts } from "../texts";
import "./home.css";
import { NewOrganization } from "./new-organization";

const create = async () => {
    const organization = await ask<Organization>((answer) => (
        <Dialog title={texts.create} onClose={answer}>
            <NewOrganization done={answer} />
        </Dialog>
    ));
    if (organization === undefined) return;
    say(texts.created(organization.name));
    navigate(`/organizations/${organization.id}/artifacts`);
    await loadOrganizations();
};

const Home = () => {
    const active = organizationList();
    const deleted = useList(({ cursor }, signal) => {
        const query = { cursor, limit: 50, status: "deleted" as const };
        return call(api.GET("/v1/organizations", { params: { query }, signal }));
    }, []);
    useEffect(() => {
        // The frame loads it when the console opens.
        if (active.state.peek() !== "loading") void active.reload();
    }, []);
    const { query } = useLocation();
    const wantsNew = "new" in query;
    useEffect(() => {
        if (!wantsNew) return;
        navigate("/", true);
        void create();
    }, [wantsNew]);
    return (
        <>
            <PageHeader title={texts.title} text={texts.text}>
                <Button look="primary" icon="add" onClick={() => void create()}>
                    {texts.create}
                </Button>
            </PageHeader>
            <Active list={active} />
            {deleted.items.value.length > 0 && <Deleted list={deleted} active={active} />}
        </>
    );
};

const Active = ({ list }: { list: List<Organization> }) => {
    const rows = list.items.value;
    const problem = list.problem.value;
    if (list.state.value === "loading") return <SkeletonRows rows={2} />;
    if (problem) return <Failure problem={problem} retry={list.retry} />;
    if (rows.length === 0) return <Empty icon="organization" title={texts.none} text={texts.noneText} />;
    const last = lastOrganization(profile.value?.id ?? "");
    return (
        <div>
            <ul class="organizations" aria-label={texts.listTitle}>
                {rows.map(({ id, name, slug, personal }) => (
                    <li key={id}>
                        <a class="organization" href={`/organizations/${id}/artifacts`}>
                            <Initial name={name} />
                            <span>
                                <span class="organization-name">{name}</span>
                                <br />
                                <span class="small soft">{slug}</span>
                            </span>
                            {id === last ? (
                                <Badge tone="accent">{texts.lastOpened}</Badge>
                            ) : (
                                personal && <Badge>{texts.personal}</Badge>
                            )}
                        </a>
                    </li>
                ))}
            </ul>
            <LoadMore list={list} />
        </div>
    );
};

const Deleted = ({ list, active }: { list: List<Organization>; active: List<Organization> }) => {
    const restore = async ({ id, name }: Organization) => {
        try {
            const path = { organizationId: id };
            await call(api.POST("/v1/organizations/{organizationId}/restore", { params: { path } }));
            say(texts.restored(name));
            await Promise.all([list.reload(), active.reload()]);
        } catch (error) {
            sayFailure(error);
        }
    };
    return (
        <section class="stack" aria-labelledby="deleted">
            <div>
                <h2 id="deleted">{texts.deleted}</h2>
                <p class="soft">{texts.deletedText}</p>
            </div>
            <Table
                list={list}
                caption={texts.deleted}
                rowKey={({ id }) => id}
                columns={[
                    { head: texts.name, cell: ({ name }) => name, primary: true },
                    {
                        head: texts.until,
                        cell: ({ restorableUntil }) => restorableUntil && <Time value={restorableUntil} as="day" />,
                    },
                    {
                        head: "",
                        cell: (organization) => (
                            <Button size="small" icon="retry" onClick={() => void restore(organization)}>
                                {texts.restore}
                            </Button>
                        ),
                        end: true,
                        narrow: true,
                    },
                ]}
                empty={null}
            />
        </section>
    );
};

export default Home;
