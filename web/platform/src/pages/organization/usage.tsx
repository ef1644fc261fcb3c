import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { own } from "../../api/own";
import { useResource } from "../../api/pages";
import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { Chart, Meter } from "../../components/chart";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { number, percent } from "../../components/numbers";
import { PageHeader } from "../../components/page-header";
import { Time } from "../../components/time";
import { organization as texts } from "../../texts";
import { Filter } from "./filter";
import { ForRole } from "./for-role";
import { ModelTable } from "./model-table";
import { Storage } from "./storage";
import { barsOf, KINDS, sum, tokensOf } from "./usage-sums";

type Report = components["schemas"]["UsageReport"];

const DAY = 86_400_000;
/** How many days the page shows. The API shows the calendar month if it gets none. */
const PERIODS = { "": 30, "7": 7, "90": 90 };

const Usage = ({ organizationId }: { organizationId: string }) => (
    <>
        <PageHeader title={texts.usage} text={texts.usageText} />
        <ForRole organizationId={organizationId} refusal={texts.usageRefused}>
            {() => <UsageReport organizationId={organizationId} />}
        </ForRole>
    </>
);

/** Returns the day of a time in UTC, as the API counts. */
const utcDay = (time: number): string => new Date(time).toISOString().slice(0, 10);

const UsageReport = ({ organizationId }: { organizationId: string }) => {
    const { query } = useLocation();
    const length = own(PERIODS, query.period ?? "");
    const report = useResource(
        (signal) => {
            const from = length === undefined ? undefined : utcDay(Date.now() - (length - 1) * DAY);
            const params = { path: { organizationId }, query: { from } };
            return call(api.GET("/v1/organizations/{organizationId}/usage", { params, signal }));
        },
        [organizationId, length],
    );
    return (
        <>
            <div class="tiles">
                <section class="card stack stack-s" aria-labelledby="budget">
                    <h2 id="budget">{texts.budget}</h2>
                    <Loaded resource={report}>{({ budget }) => <Budget {...budget} />}</Loaded>
                </section>
                <section class="card stack stack-s" aria-labelledby="storage">
                    <h2 id="storage">{texts.storage}</h2>
                    <Storage organizationId={organizationId} />
                </section>
            </div>
            <section class="card stack" aria-labelledby="tokens">
                <div class="row row-between">
                    <h2 id="tokens">{texts.tokensByDay}</h2>
                    <Filter
                        name="period"
                        label={texts.period}
                        options={[
                            { value: "7", text: texts.lastDays(7) },
                            { value: "", text: texts.lastDays(30) },
                            { value: "90", text: texts.lastDays(90) },
                            { value: "month", text: texts.thisMonth },
                        ]}
                    />
                </div>
                <Loaded resource={report}>{(value) => <Tokens report={value} />}</Loaded>
            </section>
            <Limits />
        </>
    );
};

const WARNING = 0.8;

const Budget = ({ limit, used, reserved, resetsAt }: Report["budget"]) => {
    const share = limit === 0 ? 1 : used / limit;
    return (
        <>
            <p class="row row-between">
                <span class="figure">{number(used)}</span>
                {share >= 1 && <Badge tone="danger">{texts.usedUp}</Badge>}
                {share >= WARNING && share < 1 && <Badge tone="warning">{texts.nearlyUsedUp}</Badge>}
            </p>
            <Meter label={texts.budget} value={used} max={limit} warning={share >= WARNING} />
            <p class="soft small">{texts.budgetOf(number(limit), percent(share))}</p>
            {reserved > 0 && <p class="soft small">{texts.reserved(number(reserved))}</p>}
            <p class="soft small">
                {texts.resets} <Time value={resetsAt} />
            </p>
        </>
    );
};

const Tokens = ({ report }: { report: Report }) => {
    const { days } = report;
    if (days.length === 0) return <Empty icon="chart" title={texts.noUsage} text={texts.noUsageText} />;
    const estimated = sum(days, ({ estimatedTokens }) => estimatedTokens);
    return (
        <>
            <p class="figure">{texts.tokens(number(sum(days, tokensOf)))}</p>
            <Chart
                title={texts.tokensByDay}
                series={KINDS.map((kind) => texts.kinds[kind])}
                bars={barsOf(report)}
                labelHead={texts.day}
            />
            <ModelTable days={days} />
            <p class="soft small">
                {texts.daysInUtc} {estimated > 0 && texts.estimated(number(estimated))}
            </p>
        </>
    );
};

const Limits = () => (
    <section class="card stack stack-s" aria-labelledby="limits">
        <h2 id="limits">{texts.limits}</h2>
        <ul class="bullets">
            {texts.limitTexts.map((text) => (
                <li key={text}>{text}</li>
            ))}
        </ul>
    </section>
);

export default Usage;
