// What an administrator can do to an account. Each row says what it does; a dialog says what follows before it happens.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Resource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { Button, type Look } from "../../components/button";
import { Failure } from "../../components/failure";
import { administration as texts } from "../../texts";
import type { User } from "./states";
import * as change from "./user-changes";

type ActionsProps = { user: User; resource: Resource<User>; isSelf: boolean };

export const Actions = (props: ActionsProps) => (
    <>
        <Access {...props} />
        <Appointment {...props} />
        <Data {...props} />
        <End {...props} />
    </>
);

const Access = ({ user, resource, isSelf }: ActionsProps) => {
    const isStopped = user.emailDelivery.status === "stopped" && !user.deletedAt;
    if (isSelf && !isStopped) return null;
    return (
        <Section id="access" title={texts.access}>
            {!isSelf && (
                <Row title={texts.endSessions} text={texts.endSessionsText}>
                    <Act icon="signOut" run={() => change.endSessions(user)}>
                        {texts.endSessions}
                    </Act>
                </Row>
            )}
            {!isSelf && !user.deletedAt && <SignIn user={user} resource={resource} />}
            {isStopped && (
                <Row title={texts.resumeMail} text={texts.resumeMailText}>
                    <Act icon="mail" run={() => change.resumeMail(user, resource)}>
                        {texts.resumeMail}
                    </Act>
                </Row>
            )}
        </Section>
    );
};

const SignIn = ({ user, resource }: Omit<ActionsProps, "isSelf">) => (
    <>
        <Row title={texts.removeFactors} text={texts.removeFactorsText}>
            <Act icon="key" run={() => change.removeFactors(user, resource)}>
                {texts.removeFactors}
            </Act>
        </Row>
        {user.suspendedAt ? (
            <Row title={texts.liftSuspension} text={texts.liftSuspensionText}>
                <Act icon="check" run={() => change.liftSuspension(user, resource)}>
                    {texts.liftSuspension}
                </Act>
            </Row>
        ) : (
            <Row title={texts.suspend} text={texts.suspendText}>
                <Act icon="lock" run={() => change.suspend(user, resource)}>
                    {texts.suspend}
                </Act>
            </Row>
        )}
        <Row title={texts.recover} text={texts.recoverText}>
            <Act icon="shield" run={() => change.recover(user, resource)}>
                {texts.recover}
            </Act>
        </Row>
    </>
);

const Appointment = ({ user, resource, isSelf }: ActionsProps) =>
    isSelf || user.deletedAt ? null : (
        <Section id="administrator" title={texts.administratorTitle}>
            {user.systemAdministrator ? (
                <Row title={texts.dismiss} text={texts.dismissText}>
                    <Act run={() => change.appoint(user, resource, false)}>{texts.dismiss}</Act>
                </Row>
            ) : (
                <Row title={texts.appoint} text={texts.appointText}>
                    <Act run={() => change.appoint(user, resource, true)}>{texts.appoint}</Act>
                </Row>
            )}
        </Section>
    );

const Data = ({ user, resource, isSelf }: ActionsProps) => (
    <Section id="data" title={texts.data}>
        <Row title={texts.export} text={texts.exportText}>
            <Export user={user} />
        </Row>
        {!isSelf &&
            (user.legalHoldAt ? (
                <Row title={texts.liftHold} text={texts.liftHoldText}>
                    <Act run={() => change.liftHold(user, resource)}>{texts.liftHold}</Act>
                </Row>
            ) : (
                <Row title={texts.hold} text={texts.holdText}>
                    <Act run={() => change.hold(user, resource)}>{texts.hold}</Act>
                </Row>
            ))}
    </Section>
);

const End = ({ user, resource, isSelf }: ActionsProps) =>
    isSelf ? null : (
        <Section id="end" title={texts.end} danger>
            {user.deletedAt ? (
                <Row title={texts.restore} text={texts.restoreText}>
                    <Act icon="retry" run={() => change.restore(user, resource)}>
                        {texts.restore}
                    </Act>
                </Row>
            ) : (
                <Row title={texts.remove} text={texts.removeText}>
                    <Act icon="trash" look="danger" run={() => change.remove(user, resource)}>
                        {texts.remove}
                    </Act>
                </Row>
            )}
            <Row title={texts.erase} text={user.legalHoldAt ? texts.eraseHeld : texts.eraseText}>
                {!user.legalHoldAt && (
                    <Act look="danger" run={() => change.erase(user, resource)}>
                        {texts.erase}
                    </Act>
                )}
            </Row>
        </Section>
    );

type SectionProps = { id: string; title: string; danger?: boolean; children: ComponentChildren };

const Section = ({ id, title, danger, children }: SectionProps) => (
    <section class={danger ? "card card-danger stack" : "card stack"} aria-labelledby={id}>
        <h2 id={id}>{title}</h2>
        <div>{children}</div>
    </section>
);

const Row = ({ title, text, children }: { title: string; text: string; children: ComponentChildren }) => (
    <div class="user-action">
        <div>
            <h3>{title}</h3>
            <p class="soft">{text}</p>
        </div>
        {children}
    </div>
);

type ActProps = Look & { run: () => Promise<void>; children: ComponentChildren };

/** A button that opens a dialog. */
const Act = ({ run, children, ...look }: ActProps) => (
    <Button {...look} onClick={() => void run()}>
        {children}
    </Button>
);

const Export = ({ user }: { user: User }) => {
    const [isBusy, setBusy] = useState(false);
    const [problem, setProblem] = useState<Problem | null>(null);
    const run = async () => {
        setBusy(true);
        setProblem(null);
        try {
            await change.exportData(user);
        } catch (error) {
            setProblem(Problem.from(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <>
            <Button icon="download" busy={isBusy} onClick={() => void run()}>
                {texts.export}
            </Button>
            {problem && <Failure problem={problem} />}
        </>
    );
};
