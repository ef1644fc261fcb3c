// A QR code as SVG. It is loaded when it is shown, because of its encoder.

import { encode } from "uqr";

/** The cells of light around the code that scanners need. */
const QUIET = 4;

export const QrCode = ({ text, label }: { text: string; label: string }) => {
    const { data, size } = encode(text, { ecc: "M", border: QUIET });
    const cells = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return (
        <svg
            class="account-qr"
            viewBox={`0 0 ${size} ${size}`}
            shape-rendering="crispEdges"
            role="img"
            aria-label={label}
        >
            <rect width={size} height={size} fill="#fff" />
            <path d={cells.join("")} fill="#000" />
        </svg>
    );
};
