const SECOND = 1_000;
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
    ["year", 31_557_600 * SECOND],
    ["month", 2_629_800 * SECOND],
    ["day", 86_400 * SECOND],
    ["hour", 3_600 * SECOND],
    ["minute", 60 * SECOND],
];

const full = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" });
const short = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Returns a time as "3 hours ago" or "in 2 days". */
export const ago = (time: Date, now = new Date()): string => {
    const difference = time.getTime() - now.getTime();
    const [unit, length] = UNITS.find(([, length]) => Math.abs(difference) >= length) ?? ["second", SECOND];
    if (unit === "second") return relative.format(0, "second");
    return relative.format(Math.round(difference / length), unit);
};

type TimeProps = { value: string; as?: "ago" | "day" | "exact" };

/** A time of the API. The full time is in its title. */
export const Time = ({ value, as = "ago" }: TimeProps) => {
    const time = new Date(value);
    const text = { ago: () => ago(time), day: () => day.format(time), exact: () => short.format(time) }[as]();
    return (
        <time dateTime={value} title={full.format(time)}>
            {text}
        </time>
    );
};
