//! Logs, metrics and spans. All are written to standard output, from where CloudWatch reads them.

mod otlp;
mod spans;
mod trace;

use std::{
    env,
    io::{self, Write},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use json_subscriber::JsonLayer;
use metrics::{Unit, describe_counter, describe_histogram, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, Targets, filter_fn},
    fmt::time::ChronoUtc,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use spans::{Ended, Spans};

pub use otlp::ATTRIBUTES;
pub use trace::{Link, TRACE, Trace};

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "Arches";

const COUNTERS: [(&str, Unit, &str); 13] = [
    ("Requests", Unit::Count, "requests, by route and status class"),
    ("ColdStarts", Unit::Count, "first requests of an instance"),
    (
        "RowsRemoved",
        Unit::Count,
        "rows deleted at the end of their retention period, by table; of users: erased",
    ),
    ("RowsHeld", Unit::Count, "rows kept by a legal hold after their retention period, by table"),
    ("KeysRotated", Unit::Count, "finished rotations of keys, by kind"),
    ("MailEvents", Unit::Count, "reports of SES about sent mails, by kind"),
    (
        "MailsSuppressed",
        Unit::Count,
        "mails that were not sent because mail to the address is stopped, by reason",
    ),
    ("Answers", Unit::Count, "answers of language models that have ended, by outcome"),
    ("AnswersFailed", Unit::Count, "answers of language models that have failed"),
    ("AnswersInterrupted", Unit::Count, "answers that were not finished at their deadline"),
    ("ArtifactsSwept", Unit::Count, "artifacts without progress, by outcome"),
    ("SmokeChecks", Unit::Count, "checks of new versions, by outcome"),
    ("BreakerOpen", Unit::Count, "openings of a circuit breaker, by dependency"),
];
/// No gauges: an instance would repeat the last value, also after a run that measured nothing.
const HISTOGRAMS: [(&str, Unit, &str); 12] = [
    ("MemoryUsed", Unit::Percent, "peak memory, of the function's memory"),
    ("SecretAge", Unit::Seconds, "age of a secret that should have been read again and was not"),
    ("RetentionComplete", Unit::Count, "1 if no row is left whose retention period has ended"),
    ("TotalsDrift", Unit::Count, "organizations whose totals were wrong when they were counted again"),
    (
        "LatestRestorableAge",
        Unit::Seconds,
        "time since the newest moment to which the cluster can be restored",
    ),
    ("LastBackupAge", Unit::Seconds, "time since the newest backup began"),
    ("LastVerifiedBackupAge", Unit::Seconds, "time since the newest backup that was restored began"),
    ("BackupSeconds", Unit::Seconds, "duration of a backup"),
    ("BackupBytes", Unit::Bytes, "size of a backup's archive"),
    ("RestoreSeconds", Unit::Seconds, "time until a restored database can be used"),
    ("Duration", Unit::Milliseconds, "duration of a request, by route"),
    ("DependencyTime", Unit::Milliseconds, "duration of a call, by dependency"),
];

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();
/// The spans that have ended, and the attributes of their resource. Empty unless `TRACING_ENABLED=true`.
static SPANS: OnceLock<(&'static Mutex<Ended>, otlp::Resource)> = OnceLock::new();
/// The function's memory.
static MEMORY_MIB: OnceLock<f64> = OnceLock::new();
/// The threshold of the memory alarm (`infra/app/alarms.yaml`), in percent. Above it, every request writes the metric.
const MEMORY_ALARM_THRESHOLD: f64 = 85.0;
/// The highest memory use written so far.
static PEAK_KIB: AtomicI64 = AtomicI64::new(0);
static WARM: AtomicBool = AtomicBool::new(false);

/// Returns the filter of the log: these crates log from `level` up, others warnings and errors.
pub fn targets<'a>(crates: impl IntoIterator<Item = &'a str>, level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(crates.into_iter().map(|name| (name, level)))
        // They log an ERROR for what a client sent. `oauth` logs what it refuses.
        .with_targets(["webauthn_rs_core", "crypto_glue"].map(|name| (name, LevelFilter::OFF)))
}

/// Starts logs, metrics and spans. Runs before the configuration is read, so that errors in it can be logged.
///
/// `function` is the name of the function's crate, `env!("CARGO_CRATE_NAME")`. Its code and that of `shared` log from `LOG_LEVEL`
/// up. Other code logs from WARN up: below that it logs secrets (bodies, headers, queries).
///
/// `LOG_FORMAT` is `json` or `pretty`; `METRICS_ENABLED=false` writes no metrics; `TRACING_ENABLED=true` writes spans.
pub fn init(function: &'static str) {
    let variable = |name: &str| {
        #[expect(
            clippy::disallowed_methods,
            reason = "logs come before the configuration, so that it can be logged"
        )]
        env::var(name).ok()
    };
    let level = variable("LOG_LEVEL")
        .filter(|level| !level.is_empty())
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let filter = targets([function, "shared"], level);
    let other = filter_fn(|metadata| !repeats_a_failure(metadata)).with_max_level_hint(LevelFilter::TRACE);
    let filter = filter.and(other);
    // The filter of each layer is its alone: that of the log refuses the spans that are exported. A layer without a filter, also `None`,
    // would make every span of every crate exist.
    let ended: &'static Mutex<Ended> = Box::leak(Box::default());
    let is_tracing = variable("TRACING_ENABLED").as_deref() == Some("true");
    if is_tracing {
        _ = SPANS.set((ended, resource(function, &variable)));
    }
    let spans = Spans(ended).with_filter(spans::exported(is_tracing));
    let registry = tracing_subscriber::registry().with(spans);
    if variable("LOG_FORMAT").as_deref() == Some("pretty") {
        registry.with(tracing_subscriber::fmt::layer().compact().with_filter(filter)).init();
    } else {
        let environment = variable("NODE_ENV").unwrap_or_else(|| "development".to_owned());
        let version = variable("APP_VERSION").unwrap_or_else(|| "dev".to_owned());
        let name = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| function.replace('_', "-"));
        let mut json = JsonLayer::stdout();
        json.with_timer("timestamp", ChronoUtc::rfc_3339());
        json.with_level("level");
        json.with_target("target");
        json.add_static_field("app", "arches".into());
        json.add_static_field("env", environment.into());
        json.add_static_field("version", version.into());
        json.add_static_field("function", name.into());
        json.with_top_level_flattened_span_list();
        json.with_flattened_event();
        registry.with(json.with_filter(filter)).init();
    }
    if variable("METRICS_ENABLED").as_deref() != Some("false") {
        let name = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
        let built = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("function", name).init();
        match built {
            Ok(collector) => {
                for (name, unit, text) in COUNTERS {
                    describe_counter!(name, unit, text);
                }
                for (name, unit, text) in HISTOGRAMS {
                    describe_histogram!(name, unit, text);
                }
                _ = COLLECTOR.set(collector);
                if let Some(size) =
                    variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse().ok())
                {
                    _ = MEMORY_MIB.set(size);
                }
            }
            Err(error) => tracing::error!(%error, "metrics not started"),
        }
    }
}

/// Returns whether an event is that with which the runtime of Lambda logs the error of a run, which [`crate::lambda`] has logged. That of
/// a panic has the field `error`.
fn repeats_a_failure(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "lambda_runtime::layers::panic" && metadata.fields().field("error").is_none()
}

/// Returns the attributes that all spans of this process have.
fn resource(function: &str, variable: &dyn Fn(&str) -> Option<String>) -> otlp::Resource {
    let set = [
        ("service.namespace", Some("arches".to_owned())),
        ("service.name", Some(function.replace('_', "-"))),
        ("service.version", variable("APP_VERSION")),
        ("deployment.environment.name", variable("NODE_ENV")),
        ("cloud.region", variable("AWS_REGION")),
        ("faas.name", variable("AWS_LAMBDA_FUNCTION_NAME")),
        ("faas.version", variable("AWS_LAMBDA_FUNCTION_VERSION")),
    ];
    set.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Writes the metrics and the spans collected since the last call. Call it before asking Lambda for the next event: after that, Lambda
/// may freeze the instance.
pub fn flush() {
    let mut lines = Vec::new();
    let collected = collect_spans(&mut lines).and_then(|()| collect_metrics(&mut lines));
    // One call for all lines. What was collected is written even if the rest could not be.
    if let Err(error) = io::stdout().write_all(&lines).and(collected) {
        tracing::error!(%error, "metrics not written");
    }
}

fn collect_spans(lines: &mut Vec<u8>) -> io::Result<()> {
    let Some((ended, resource)) = SPANS.get() else { return Ok(()) };
    let (spans, dropped) = spans::take(ended);
    if spans.is_empty() {
        return Ok(());
    }
    Ok(otlp::write(lines, resource, &spans, dropped)?)
}

fn collect_metrics(lines: &mut Vec<u8>) -> io::Result<()> {
    let Some(collector) = COLLECTOR.get() else { return Ok(()) };
    if let Some(share) = memory_used() {
        histogram!("MemoryUsed").record(share);
    }
    collector.flush(lines)
}

/// Returns the peak memory of this process and its child processes, in percent of the function's memory. `None` if it has not
/// grown since the last call and is below the alarm's threshold.
fn memory_used() -> Option<f64> {
    let size = MEMORY_MIB.get()?;
    let peaks = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(getrusage);
    // Linux counts in KiB.
    let most = peaks.iter().flatten().map(Usage::max_rss).max()?;
    #[expect(clippy::cast_precision_loss, reason = "an instance has 10 GiB at the most")]
    let share = most as f64 / 1024.0 / size * 100.0;
    let grown = PEAK_KIB.fetch_max(most, Ordering::Relaxed) < most;
    (grown || share > MEMORY_ALARM_THRESHOLD).then_some(share)
}

/// Returns `true` once per instance: at its first request.
#[must_use]
pub fn is_cold_start() -> bool {
    !WARM.swap(true, Ordering::Relaxed)
}
