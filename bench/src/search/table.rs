//! The figures as the tables of `docs/performance.md`.

use std::{fmt::Write, time::Duration};

use serde_json::{Value, json};

use super::{
    QUERIES, TOP, Times,
    global_index::Figure,
    library::{OTHERS, REAL},
    throughput::Throughput,
};
use crate::world::millis;

/// The least part of the nearest chunks that must be found.
const RECALL_TARGET: f64 = 0.98;
/// The most that the 95th percentile may be, in milliseconds, by the chunks of the organization.
const TIME_TARGETS: [(i64, f64); 2] = [(20_000, 60.0), (200_000, 150.0)];
/// The most that a text of a megabyte may take until it can be found.
const INGESTION_TARGET: Duration = Duration::from_secs(20);

/// The figures of an organization.
pub struct Row {
    chunks: i64,
    times: Times,
    /// Of the statement that compares all vectors.
    pub brute_force: Vec<Duration>,
    pub found: usize,
    pub wanted: usize,
}

impl Row {
    pub fn new(chunks: i64) -> Self {
        Self { chunks, times: Times::default(), brute_force: Vec::new(), found: 0, wanted: 0 }
    }

    pub fn add(&mut self, measured: Times) {
        self.times.semantic.extend(measured.semantic);
        self.times.keyword.extend(measured.keyword);
        self.times.hybrid.extend(measured.hybrid);
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    fn recall(&self) -> f64 {
        self.found as f64 / self.wanted as f64
    }

    fn is_coded(&self) -> bool {
        self.chunks > shared::store::search::EXACT_UP_TO
    }
}

/// All figures of a run.
pub struct Table {
    pub rows: Vec<Row>,
    pub rounds: usize,
    pub global: Option<Vec<Figure>>,
    pub throughput: Throughput,
}

impl Table {
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "chunks": row.chunks, "coded": row.is_coded(), "recall": row.recall(),
                "semantic": both(&row.times.semantic), "keyword": both(&row.times.keyword), "hybrid": both(&row.times.hybrid),
                "bruteForce": both(&row.brute_force),
            })
        };
        let global = |figure: &Figure| {
            json!({
                "name": figure.name, "recall": figure.recall, "empty": figure.empty, "searches": figure.searches,
                "times": both(&figure.times),
            })
        };
        json!({
            "rounds": self.rounds, "queries": QUERIES, "real": REAL, "others": OTHERS,
            "rows": self.rows.iter().map(row).collect::<Value>(),
            "ingestion": {
                "bytes": self.throughput.bytes, "chunks": self.throughput.chunks, "seconds": self.throughput.time.as_secs_f64(),
            },
            "globalIndex": self.global.as_ref().map(|figures| figures.iter().map(global).collect::<Value>()),
        })
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "Beside {OTHERS} chunks of other organizations. Up to {REAL} chunks are real paragraphs; all others are drawn around them. \
             {QUERIES} queries, {} rounds, {} build of the bench.\n\n\
             | chunks | compared by | recall@{TOP} | by meaning, ms | by words, ms | hybrid, ms | all vectors compared, ms | target | |\n\
             |---|---|---|---|---|---|---|---|---|\n",
            self.rounds,
            if cfg!(debug_assertions) { "debug" } else { "release" },
        );
        for row in &self.rows {
            let target =
                TIME_TARGETS.iter().find(|(chunks, _)| *chunks == row.chunks).map(|(_, target)| *target);
            let is_met = row.recall() >= RECALL_TARGET
                && target.is_none_or(|target| percentile(&row.times.hybrid, 95) <= target);
            _ = writeln!(
                text,
                "| {} | {} | {:.3} | {} | {} | {} | {} | {} | {} |",
                row.chunks,
                if row.is_coded() { "codes" } else { "vectors" },
                row.recall(),
                cell(&row.times.semantic),
                cell(&row.times.keyword),
                cell(&row.times.hybrid),
                cell(&row.brute_force),
                target.map_or_else(
                    || format!("recall ≥ {RECALL_TARGET}"),
                    |target| format!("recall ≥ {RECALL_TARGET}, p95 ≤ {target} ms")
                ),
                if is_met { "✓" } else { "✗" },
            );
        }
        let Throughput { bytes, chunks, time } = &self.throughput;
        _ = writeln!(
            text,
            "\nA text of {bytes} bytes ({chunks} chunks) was uploaded and could be found after {:.1} s, with one instance each of \
             `extract` and `index` and a model that answers in 50 ms (target: ≤ {} s) {}",
            time.as_secs_f64(),
            INGESTION_TARGET.as_secs(),
            if *time <= INGESTION_TARGET { "✓" } else { "✗" },
        );
        if let Some(global) = &self.global {
            text += &Self::global_text(global);
        }
        text
    }

    fn global_text(figures: &[Figure]) -> String {
        let mut text = format!(
            "\nOne table of 100,000 vectors of 50 organizations, searched for one of them (`--global-index`):\n\n\
             | | recall@{TOP} | searches without a result | ms |\n|---|---|---|---|\n"
        );
        for figure in figures {
            _ = writeln!(
                text,
                "| {} | {:.3} | {} of {} | {} |",
                figure.name,
                figure.recall,
                figure.empty,
                figure.searches,
                cell(&figure.times)
            );
        }
        text
    }
}

/// Returns the median, and the 95th percentile in parentheses.
fn cell(times: &[Duration]) -> String {
    format!("{:.1} ({:.1})", percentile(times, 50), percentile(times, 95))
}

fn both(times: &[Duration]) -> Value {
    json!({ "p50": percentile(times, 50), "p95": percentile(times, 95) })
}

fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().map_or(f64::NAN, millis)
}
