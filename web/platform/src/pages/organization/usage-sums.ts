// Sums of a report of use.

import type { components } from "../../api/schema";
import type { Bar } from "../../components/chart";

type Report = components["schemas"]["UsageReport"];
export type UsageOfDay = components["schemas"]["UsageOfDay"];
type Kind = components["schemas"]["UsageKind"];

/** From the bottom of a bar to its top. */
export const KINDS: readonly Kind[] = ["chat", "embedding", "query"];

const DAY = 86_400_000;
const format = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

export const sum = <T>(rows: readonly T[], value: (row: T) => number): number =>
    rows.reduce((total, row) => total + value(row), 0);

export const tokensOf = ({ promptTokens, completionTokens }: UsageOfDay): number => promptTokens + completionTokens;

/** Returns a bar for each day, also for those without use. */
export const barsOf = ({ from, to, days }: Report): Bar[] => {
    const bars: Bar[] = [];
    for (let time = Date.parse(from); time <= Date.parse(to); time += DAY) {
        const day = new Date(time).toISOString().slice(0, 10);
        const rows = days.filter((row) => row.day === day);
        const values = KINDS.map((kind) =>
            sum(
                rows.filter((row) => row.kind === kind),
                tokensOf,
            ),
        );
        bars.push({ label: format.format(time), values });
    }
    return bars;
};

export type Total = { model: string; kind: Kind; sent: number; received: number; cost: number };

/** Returns the sums of each model, by what it was used for: the largest first. */
export const totalsOf = (days: readonly UsageOfDay[]): Total[] => {
    const totals = new Map<string, Total>();
    for (const { model, kind, promptTokens, completionTokens, costMicros } of days) {
        const name = `${kind} ${model}`;
        const total = totals.get(name) ?? { model, kind, sent: 0, received: 0, cost: 0 };
        total.sent += promptTokens;
        total.received += completionTokens;
        total.cost += costMicros / 1_000_000;
        totals.set(name, total);
    }
    return [...totals.values()].sort((a, b) => b.sent + b.received - a.sent - a.received);
};
