//! Logs and metrics, both to standard output, where CloudWatch reads them.

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

/// What is counted.
const COUNTERS: [(&str, Unit, &str); 6] = [
    ("Requests", Unit::Count, "by route and status class"),
    ("ColdStarts", Unit::Count, "first requests of an instance"),
    ("RowsRemoved", Unit::Count, "past their time, by table; of users, those erased"),
    ("RowsHeld", Unit::Count, "past their time and kept by a legal hold, by table"),
    ("KeysRotated", Unit::Count, "rotations of keys that ended well, by kind"),
    ("SmokeChecks", Unit::Count, "what was tried of new versions, by outcome"),
];
/// What is measured. No gauges: an instance would tell the last value again and again, also after a run that measured nothing.
const HISTOGRAMS: [(&str, Unit, &str); 9] = [
    ("MemoryUsed", Unit::Percent, "of the function's memory, at its peak"),
    ("RetentionComplete", Unit::Count, "1 if nothing is left that is past its time"),
    ("LastBackupAge", Unit::Seconds, "since the newest backup was begun"),
    ("LastVerifiedBackupAge", Unit::Seconds, "since the newest one that was restored was begun"),
    ("BackupSeconds", Unit::Seconds, "that a backup took"),
    ("BackupBytes", Unit::Bytes, "of a backup's archive"),
    ("RestoreSeconds", Unit::Seconds, "until a restored database could be used"),
    ("Duration", Unit::Milliseconds, "of a request, by route"),
    ("DependencyTime", Unit::Milliseconds, "of a call, by dependency"),
];

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();
/// The function's memory, in MiB.
static MEMORY: OnceLock<f64> = OnceLock::new();
/// Percent of it, above which it is told with every request: the alarm's threshold (`infra/app/alarms.yaml`).
const NEARLY_ALL: f64 = 85.0;
/// The most that was told of it so far, in KiB.
static PEAK: AtomicI64 = AtomicI64::new(0);
static WARM: AtomicBool = AtomicBool::new(false);

/// Starts logs and metrics. Comes before the configuration is read, so that what is wrong with it can be logged.
///
/// `function` is the function's crate, `env!("CARGO_CRATE_NAME")`. Its code and that of `shared` log from `LOG_LEVEL`. Other
/// code logs only warnings and errors: below that it logs secrets, in bodies, headers and queries.
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
                    _ = MEMORY.set(size);
                }
            }
            Err(error) => tracing::error!(%error, "metrics not started"),
        }
    }
}

/// Writes the metrics gathered since the last call; to be called before the next event is asked for, as Lambda may then freeze
/// the instance.
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

/// The most that this process or a program it ran has used so far, in percent of the function's memory; `None` if that was told.
fn memory_used() -> Option<f64> {
    let size = MEMORY.get()?;
    let peaks = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(getrusage);
    // Linux counts in KiB.
    let most = peaks.iter().flatten().map(Usage::max_rss).max()?;
    #[expect(clippy::cast_precision_loss, reason = "an instance has 10 GiB at the most")]
    let share = most as f64 / 1024.0 / size * 100.0;
    let grown = PEAK.fetch_max(most, Ordering::Relaxed) < most;
    (grown || share > NEARLY_ALL).then_some(share)
}

/// Whether this is the first request of the instance; `true` once.
#[must_use]
pub fn cold_start() -> bool {
    !WARM.swap(true, Ordering::Relaxed)
}
