import "./chart.css";
import { number, short } from "./numbers";

export type Bar = {
    /** Below the bar, and in its tooltip. */
    label: string;
    /** One number for each of `series`: they stand on each other. */
    values: readonly number[];
};

type ChartProps = {
    /** What the chart shows. */
    title: string;
    /** At most three. */
    series: readonly string[];
    bars: readonly Bar[];
    /** The head of the first column of the table. */
    labelHead: string;
};

const HEIGHT = 100;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Bars to look at, and the same numbers as a table for screen readers. */
export const Chart = ({ title, series, bars, labelHead }: ChartProps) => {
    const top = Math.max(1, ...bars.map(({ values }) => sum(values)));
    const slot = 100 / Math.max(1, bars.length);
    const scale = HEIGHT / top;
    return (
        <figure class="chart">
            <div class="chart-scale" aria-hidden="true">
                <span class="number">{short(top)}</span>
            </div>
            <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
                {[0, HEIGHT / 2, HEIGHT].map((y) => (
                    <line key={y} class="chart-line" x1="0" x2="100" y1={y} y2={y} />
                ))}
                {bars.map((bar, at) => (
                    <Column key={bar.label} bar={bar} series={series} x={at * slot} width={slot} scale={scale} />
                ))}
            </svg>
            <div class="chart-scale" aria-hidden="true">
                <span>{bars[0]?.label}</span>
                {bars.length > 1 && <span>{bars.at(-1)?.label}</span>}
            </div>
            {series.length > 1 && (
                <div class="chart-key" aria-hidden="true">
                    {series.map((name, at) => (
                        <span key={name}>
                            <svg viewBox="0 0 10 10" aria-hidden="true">
                                <rect class={`chart-bar-${at}`} width="10" height="10" rx="2" />
                            </svg>
                            {name}
                        </span>
                    ))}
                </div>
            )}
            {/* In a box, because a table is as wide as its content. */}
            <div class="hidden">
                <table>
                    <caption>{title}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{labelHead}</th>
                            {series.map((name) => (
                                <th key={name} scope="col">
                                    {name}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {bars.map((bar) => (
                            <tr key={bar.label}>
                                <th scope="row">{bar.label}</th>
                                {bar.values.map((value, at) => (
                                    <td key={series[at]}>{number(value)}</td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </figure>
    );
};

type ColumnProps = { bar: Bar; series: readonly string[]; x: number; width: number; scale: number };

const Column = ({ bar, series, x, width, scale }: ColumnProps) => {
    const lines = bar.values.map((value, at) => `${series[at] ?? ""}: ${number(value)}`);
    return (
        <g>
            {bar.values.map((value, at) => {
                const below = sum(bar.values.slice(0, at));
                return (
                    <rect
                        key={series[at]}
                        class={`chart-bar-${at}`}
                        x={x + width * 0.15}
                        width={width * 0.7}
                        y={HEIGHT - (below + value) * scale}
                        height={value * scale}
                    />
                );
            })}
            <rect class="chart-hit" x={x} width={width} y="0" height={HEIGHT}>
                <title>{[bar.label, ...lines].join("\n")}</title>
            </rect>
        </g>
    );
};

type MeterProps = { label: string; value: number; max: number; warning?: boolean };

/** How much of a limit is used. */
export const Meter = ({ label, value, max, warning }: MeterProps) => (
    <progress
        class={warning ? "meter meter-warning" : "meter"}
        aria-label={label}
        value={value}
        max={Math.max(1, max)}
    />
);
