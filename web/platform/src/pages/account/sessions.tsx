import { api, call } from "../../api/client";
import { type List, useList } from "../../api/pages";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { Empty } from "../../components/empty";
import { focusHeading } from "../../components/focus-heading";
import { Table } from "../../components/table";
import { Time } from "../../components/time";
import { say } from "../../components/toast";
import { account as texts } from "../../texts";
import { AccountPage } from "./frame";

type Session = components["schemas"]["Session"];

const Sessions = () => {
    const sessions = useList(
        ({ cursor }, signal) =>
            call(api.GET("/v1/auth/sessions", { params: { query: { cursor, limit: 25 } }, signal })),
        [],
    );
    const hasOthers = sessions.hasMore.value || sessions.items.value.some(({ current }) => !current);
    return (
        <AccountPage
            title={texts.sessions}
            text={texts.sessionsText}
            actions={
                hasOthers && (
                    <Button icon="signOut" onClick={() => void endOthers(sessions)}>
                        {texts.endOthers}
                    </Button>
                )
            }
        >
            <Table
                list={sessions}
                caption={texts.sessions}
                rowKey={({ id }) => id}
                columns={[
                    { head: texts.device, cell: (session) => <DeviceName session={session} />, primary: true },
                    { head: texts.address, cell: ({ ipAddress }) => <span class="mono">{ipAddress ?? "–"}</span> },
                    { head: texts.signedIn, cell: ({ createdAt }) => <Time value={createdAt} /> },
                    { head: texts.active, cell: ({ lastUsedAt }) => <Time value={lastUsedAt} /> },
                    {
                        head: "",
                        cell: (session) => !session.current && <End session={session} sessions={sessions} />,
                        end: true,
                        narrow: true,
                    },
                ]}
                empty={<Empty icon="sessions" title={texts.noSessions} text={texts.noSessionsText} />}
            />
        </AccountPage>
    );
};

const nameOf = ({ device }: Session): string => {
    if (device?.browser && device.system) return texts.deviceOf(device.browser, device.system);
    if (device?.system) return texts.aDeviceWith(device.system);
    return device?.browser ?? texts.unknownDevice;
};

const DeviceName = ({ session }: { session: Session }) => (
    <>
        <span class="row" title={session.userAgent ?? undefined}>
            <span class="strong">{nameOf(session)}</span>
            {session.current && <Badge tone="success">{texts.thisDevice}</Badge>}
        </span>
        {!session.device && <span class="soft small">{session.userAgent}</span>}
    </>
);

const End = ({ session, sessions }: { session: Session; sessions: List<Session> }) => {
    const name = nameOf(session);
    const end = async () => {
        const isEnded = await confirm({
            title: texts.endTitle,
            text: texts.endText(name),
            action: texts.end,
            danger: true,
            run: () => endSession(session.id),
        });
        if (!isEnded) return;
        sessions.items.value = sessions.items.value.filter(({ id }) => id !== session.id);
        focusHeading();
        say(texts.ended);
    };
    return (
        <Button size="small" onClick={() => void end()}>
            {texts.end}
            <span class="hidden">{name}</span>
        </Button>
    );
};

const endSession = async (id: string): Promise<void> => {
    try {
        await call(api.DELETE("/v1/auth/sessions/{id}", { params: { path: { id } } }));
    } catch (error) {
        // It has ended already.
        if (Problem.from(error).code !== "session-not-found") throw error;
    }
};

const endOthers = async (sessions: List<Session>): Promise<void> => {
    const isEnded = await confirm({
        title: texts.endOthersTitle,
        text: texts.endOthersText,
        action: texts.endOthers,
        danger: true,
        run: endAllOthers,
    });
    await sessions.reload();
    if (!isEnded) return;
    focusHeading();
    say(texts.othersEnded);
};

/** Ends all sessions except this one, also those that are not on the page. */
const endAllOthers = async (): Promise<void> => {
    const query = { limit: 100 };
    for (;;) {
        const { body } = await call(api.GET("/v1/auth/sessions", { params: { query } }));
        const others = body.data.filter(({ current }) => !current);
        if (others.length === 0) return;
        for (const { id } of others) await endSession(id);
    }
};

export default Sessions;
