//! What was measured beside its target, to be seen at a glance: `docs/performance.svg`.

use std::fmt::Write;

/// One figure: what it is, and how much of its target it uses up; above 1 it is missed.
pub struct Bar {
    pub what: String,
    pub share: f64,
}

const ROW: usize = 18;
const LEFT: usize = 400;
/// The width of a bar that is exactly its target.
const TARGET: f64 = 160.0;
/// Longer bars are cut here.
const MOST: f64 = 3.0;

/// The bars, one below the other, with a line where the targets are.
pub fn svg(bars: &[Bar]) -> String {
    let height = bars.len() * ROW + 2 * ROW;
    let line = position(1.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"960\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{line}\" y=\"13\" text-anchor=\"middle\">target</text>\n"
    );
    for (number, Bar { what, share }) in bars.iter().enumerate() {
        let (top, middle) = ((number + 1) * ROW + 3, (number + 1) * ROW + 13);
        let width = position(share.min(MOST)) - position(0.0);
        let color = if *share > 1.0 { "#c2410c" } else { "#15803d" };
        _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"12\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{middle}\">{share:.2}</text>",
            LEFT - 6,
            what.replace('&', "&amp;").replace('<', "&lt;"),
            position(share.min(MOST)) + 4.0,
        );
    }
    _ = writeln!(text, "<path d=\"M{line} {ROW}V{}\" stroke=\"#000\"/>\n</svg>", height - ROW / 2);
    text
}

fn position(share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let left = LEFT as f64;
    left + share * TARGET
}
