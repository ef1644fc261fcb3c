const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Returns a number of bytes as "1.2 MB". */
export const bytes = (value: number): string => {
    const power = Math.min(UNITS.length - 1, value < 1_000 ? 0 : Math.floor(Math.log10(value) / 3));
    const unit = UNITS[power] ?? "byte";
    const format = new Intl.NumberFormat("en", {
        style: "unit",
        unit,
        unitDisplay: power ? "short" : "long",
        maximumFractionDigits: power ? 1 : 0,
    });
    return format.format(value / 1_000 ** power);
};

/** Returns a number as "12,345". */
export const number = (value: number): string => whole.format(value);

/** Returns a number as "12.3K". */
export const short = (value: number): string => compact.format(value);

export const Bytes = ({ value }: { value: number }) => (
    <span class="number" title={`${number(value)} bytes`}>
        {bytes(value)}
    </span>
);
