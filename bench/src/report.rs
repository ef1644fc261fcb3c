//! The measured figures, as JSON and as tables.

use std::fmt::Write;

use serde::Serialize;

/// The limit of a figure.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// The figure is only reported.
    None,
}

impl Target {
    fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtMost(most) => Some(value <= most),
            Self::AtLeast(least) => Some(value >= least),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most}"),
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::None => String::new(),
        }
    }
}

/// The spread of a value over all rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        Self { min: at(0), median: at(sorted.len() / 2), max: at(sorted.len().saturating_sub(1)) }
    }

    fn text(self) -> String {
        format!("{} ({}–{})", short(self.median), short(self.min), short(self.max))
    }
}

#[derive(Debug, Serialize)]
struct Row {
    group: &'static str,
    what: String,
    unit: &'static str,
    baseline: Option<Spread>,
    ours: Spread,
    /// The ratio of the medians, `ours` to `baseline`. Without a baseline, the median.
    figure: f64,
    target: Target,
    /// `None` without a target.
    met: Option<bool>,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a value and its baseline, measured in the same rounds. The figure is the ratio of the medians.
    pub fn add_ratio(
        &mut self,
        group: &'static str,
        what: impl Into<String>,
        unit: &'static str,
        (baseline, ours): (&[f64], &[f64]),
        target: Target,
    ) {
        let (baseline, ours) = (Spread::of(baseline), Spread::of(ours));
        self.add(group, what.into(), unit, Some(baseline), ours, ours.median / baseline.median, target);
    }

    /// Adds a value without a baseline. The figure is the median.
    pub fn add_value(
        &mut self,
        group: &'static str,
        what: impl Into<String>,
        unit: &'static str,
        ours: &[f64],
        target: Target,
    ) {
        let ours = Spread::of(ours);
        self.add(group, what.into(), unit, None, ours, ours.median, target);
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a table")]
    fn add(
        &mut self,
        group: &'static str,
        what: String,
        unit: &'static str,
        baseline: Option<Spread>,
        ours: Spread,
        figure: f64,
        target: Target,
    ) {
        let met = target.is_met(figure);
        let sign = if met == Some(false) { '✗' } else { ' ' };
        eprintln!(
            "{sign} {group:<6} {what:<58} {:>10} {unit:<4} {:>8} {}",
            short(ours.median),
            short(figure),
            target.text()
        );
        self.rows.push(Row { group, what, unit, baseline, ours, figure, target, met });
    }

    /// Returns the tables of `docs/performance.md`.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        let mut group = "";
        for row in &self.rows {
            if row.group != group {
                group = row.group;
                _ = write!(
                    text,
                    "\n### {group}\n\n| what | unit | baseline | ours | figure | target | |\n|---|---|---|---|---|---|---|\n"
                );
            }
            let baseline = row.baseline.map(Spread::text).unwrap_or_default();
            let mark = match row.met {
                None => "",
                Some(true) => "✓",
                Some(false) => "✗",
            };
            _ = writeln!(
                text,
                "| {} | {} | {baseline} | {} | {} | {} | {mark} |",
                row.what,
                row.unit,
                row.ours.text(),
                short(row.figure),
                row.target.text(),
            );
        }
        text
    }
}

fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}
