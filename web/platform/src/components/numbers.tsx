const whole = new Intl.NumberFormat("en");
const share = new Intl.NumberFormat("en", { style: "percent", roundingMode: "floor" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Returns a number of bytes in a unit, as it is shown. */
const inUnit = (value: number, power: number): number => Number((value / 1_000 ** power).toFixed(power ? 1 : 0));

/** Returns a number of bytes as "1.2 MB". */
export const bytes = (value: number): string => {
    // The shown number decides: 999,950 bytes are 1 MB, and not 1,000 kB.
    const found = UNITS.findIndex((_, power) => inUnit(value, power) < 1_000);
    const power = found < 0 ? UNITS.length - 1 : found;
    const format = new Intl.NumberFormat("en", {
        style: "unit",
        unit: UNITS[power] ?? "byte",
        unitDisplay: power ? "short" : "long",
        maximumFractionDigits: 1,
    });
    return format.format(inUnit(value, power));
};

/** Returns a number as "12,345". */
export const number = (value: number): string => whole.format(value);

/** Returns a number as "12.3K". */
export const short = (value: number): string => compact.format(value);

/** Returns a share as "89%": below 1, it is less than 100%. */
export const percent = (value: number): string => share.format(value);

export const Bytes = ({ value }: { value: number }) => (
    <span class="number" title={`${number(value)} bytes`}>
        {bytes(value)}
    </span>
);
