//! Logs and metrics. Both are written to standard output, from where CloudWatch reads them.

use std::{
    env,
    io::{self, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use json_subscriber::JsonLayer;
use metrics::{Unit, describe_counter, describe_histogram, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt::time::ChronoUtc, layer::SubscriberExt, util::SubscriberInitExt,
};

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
/// The function's memory.
static MEMORY_MIB: OnceLock<f64> = OnceLock::new();
/// The threshold of the memory alarm (`infra/app/alarms.yaml`), in percent. Above it, every request writes the metric.
const MEMORY_ALARM_THRESHOLD: f64 = 85.0;
/// The highest memory use written so far.
static PEAK_KIB: AtomicI64 = AtomicI64::new(0);
static WARM: AtomicBool = AtomicBool::new(false);

/// Starts logs and metrics. Runs before the configuration is read, so that errors in it can be logged.
///
/// `function` is the name of the function's crate, `env!("CARGO_CRATE_NAME")`. Its code and that of `shared` log from `LOG_LEVEL`
/// up. Other code logs from WARN up: below that it logs secrets (bodies, headers, queries).
///
/// `LOG_FORMAT` is `json` or `pretty`; `METRICS_ENABLED=false` writes no metrics.
pub fn init(function: &'static str) {
    let variable = |name| {
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
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets([function, "shared"].map(|name| (name, level)));
    let registry = tracing_subscriber::registry().with(filter);
    if variable("LOG_FORMAT").as_deref() == Some("pretty") {
        registry.with(tracing_subscriber::fmt::layer().compact()).init();
    } else {
        let environment = variable("NODE_ENV").unwrap_or_else(|| "development".to_owned());
        let version = variable("APP_VERSION").unwrap_or_else(|| "dev".to_owned());
        let mut json = JsonLayer::stdout();
        json.with_timer("timestamp", ChronoUtc::rfc_3339());
        json.with_level("level");
        json.with_target("target");
        json.add_static_field("app", "arches".into());
        json.add_static_field("env", environment.into());
        json.add_static_field("version", version.into());
        json.with_top_level_flattened_span_list();
        json.with_flattened_event();
        registry.with(json).init();
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

/// Writes the metrics collected since the last call. Call it before asking Lambda for the next event: after that, Lambda may
/// freeze the instance.
pub fn flush() {
    let Some(collector) = COLLECTOR.get() else { return };
    if let Some(share) = memory_used() {
        histogram!("MemoryUsed").record(share);
    }
    let mut lines = Vec::new();
    let written = collector.flush(&mut lines).and_then(|()| io::stdout().write_all(&lines));
    if let Err(error) = written {
        tracing::error!(%error, "metrics not written");
    }
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
