import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { manages, type Organization } from "../../api/organizations";
import { useList } from "../../api/pages";
import { ofShown } from "../../api/stale";
import { Badge, Notice } from "../../components/badge";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { Failure } from "../../components/failure";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { SkeletonText } from "../../components/skeleton";
import { LoadMore } from "../../components/table";
import { Time } from "../../components/time";
import { say } from "../../components/toast";
import { organization as texts } from "../../texts";
import { beginOfDay, day } from "./days";
import { Person } from "./person";
import { RoleBadge } from "./roles";
import type { Part } from "./settings";

const GRACE = 7 * 86_400_000;

/** Whether members need a second factor, from which day on, and who has none yet. */
export const SecondFactor = ({ resource, organization, own }: Part) => {
    const from = organization.secondFactorRequiredFrom;
    return (
        <section class="card stack" aria-labelledby="second-factor">
            <div class="row row-between">
                <h2 id="second-factor">{texts.secondFactor}</h2>
                <State from={from} />
            </div>
            <p class="soft">{texts.secondFactorText}</p>
            {from && (
                <p>
                    {Date.parse(from) > Date.now() ? texts.requiredFrom : texts.requiredSince}{" "}
                    <Time value={from} as="exact" />
                </p>
            )}
            {own === "owner" ? (
                <FactorForm resource={resource} organization={organization} own={own} />
            ) : (
                <p class="soft small">{texts.secondFactorRefused}</p>
            )}
            {manages(own) && <Missing organizationId={organization.id} />}
        </section>
    );
};

const State = ({ from }: { from: string | null | undefined }) => {
    if (!from) return <Badge>{texts.notRequired}</Badge>;
    return Date.parse(from) > Date.now() ? (
        <Badge tone="warning">{texts.soonRequired}</Badge>
    ) : (
        <Badge tone="success">{texts.required}</Badge>
    );
};

const requireFactor = (organizationId: string, etag: string | undefined, from: string | null) => {
    const params = { path: { organizationId }, header: { "If-Match": etag } };
    const body = { secondFactorRequiredFrom: from };
    return call(api.PATCH("/v1/organizations/{organizationId}", { params, body }));
};

const FactorForm = ({ resource, organization: { id, secondFactorRequiredFrom: from } }: Part) => {
    const dayOf = ({ secondFactorRequiredFrom: at }: Organization) => (at ? day(new Date(at)) : "");
    const form = useForm({
        resource,
        show: (organization: Organization) => ({ secondFactorRequiredFrom: dayOf(organization) }),
        send: ({ values, etag }) => requireFactor(id, etag, beginOfDay(values.text("secondFactorRequiredFrom"))),
        done: (answer) => {
            resource.set(answer);
            say(texts.factorRequired);
        },
        explain: ({ code }) => (code === "second-factor-needed" ? { text: texts.ownFactorNeeded } : null),
    });
    const stop = async () => {
        const change = ofShown(resource, (etag) => requireFactor(id, etag, null));
        const isStopped = await confirm({
            title: texts.stopRequiringTitle,
            text: texts.stopRequiringText,
            action: texts.stopRequiring,
            run: async () => resource.set(await change()),
        });
        if (isStopped) say(texts.factorNotRequired);
    };
    const isLater = from && Date.parse(from) > Date.now();
    return (
        <Form form={form} label={texts.secondFactor}>
            <TextField
                form={form}
                name="secondFactorRequiredFrom"
                label={texts.firstDay}
                hint={texts.firstDayHint}
                type="date"
                value={day(isLater ? new Date(from) : new Date(Date.now() + (from ? 0 : GRACE)))}
                min={day(new Date())}
                patternError={texts.dayPassed}
                required
            />
            <div class="form-actions">
                <Submit form={form}>{from ? texts.setDay : texts.requireFactor}</Submit>
                {from && <Button onClick={() => void stop()}>{texts.stopRequiring}</Button>}
            </div>
        </Form>
    );
};

/** The members without a second factor. */
const Missing = ({ organizationId }: { organizationId: string }) => {
    const list = useList(
        ({ cursor }, signal) => {
            const params = { path: { organizationId }, query: { cursor, limit: 20, secondFactor: false } };
            return call(api.GET("/v1/organizations/{organizationId}/members", { params, signal }));
        },
        [organizationId],
    );
    const problem = list.problem.value;
    const rows = list.items.value;
    if (problem) return <Failure problem={problem} retry={list.retry} />;
    if (list.state.value === "loading") return <SkeletonText />;
    if (rows.length === 0) {
        return (
            <Notice tone="success">
                <p>{texts.allHaveFactor}</p>
            </Notice>
        );
    }
    return (
        <div class="stack stack-s">
            <h3>{texts.missingFactor(rows.length, list.hasMore.value)}</h3>
            <div class="table-frame">
                <ul class="people">
                    {rows.map(({ id, name, email, role }) => (
                        <li key={id}>
                            <Person name={name} email={email} />
                            <RoleBadge role={role} />
                        </li>
                    ))}
                </ul>
                <LoadMore list={list} />
            </div>
        </div>
    );
};
