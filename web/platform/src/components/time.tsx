const SECOND = 1_000;
type Unit = [name: Intl.RelativeTimeFormatUnit, length: number];
const YEAR: Unit = ["year", 31_557_600 * SECOND];
/** The other units, and from which number on the next one is used. */
const UNITS: readonly [...Unit, end: number][] = [
    ["minute", 60 * SECOND, 60],
    ["hour", 3_600 * SECOND, 24],
    ["day", 86_400 * SECOND, 31],
    ["month", 2_629_800 * SECOND, 12],
];

const full = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" });
const short = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const NOW = new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(0, "second");

/** Returns a time as "3 hours ago" or "in 2 days". */
export const ago = (time: Date, now = new Date()): string => {
    const difference = time.getTime() - now.getTime();
    const count = (length: number) => Math.round(Math.abs(difference) / length);
    if (count(SECOND) < 60) return NOW;
    const [name, length] = UNITS.find(([, length, end]) => count(length) < end) ?? YEAR;
    return relative.format(Math.sign(difference) * count(length), name);
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
