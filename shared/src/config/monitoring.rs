//! `LOG_*`, `METRICS_*`, `TRACING_*`, `SENTRY_DSN`: logs, metrics and traces.

use url::Url;

use super::{Setting, reader::Reader, section::section};

section! {
    /// Logs, metrics and traces
    pub struct Monitoring {
        /// The lowest level that the project's own code logs. Other code logs from `warn`.
        // `telemetry` reads this variable and the next two itself, before the configuration, so that errors in it can be logged.
        log_level: &'static str = one_of("LOG_LEVEL", "info", &["error", "warn", "info", "debug", "trace"]) {
            used_by: "all"
        };
        /// The format of the log.
        log_format: &'static str = one_of("LOG_FORMAT", "json", &["json", "pretty"]) { used_by: "all" };
        /// Whether metrics are written to the log.
        metrics: bool = flag("METRICS_ENABLED", true) { used_by: "all" };
        /// **Accepted, not used**: CloudWatch reads the log, no port is opened.
        metrics_port: u16 = port("METRICS_PORT", 9090) { used_by: "none" };
        /// **Accepted, not used yet**. `true` needs an endpoint. X-Ray does not need it.
        tracing: bool = flag("TRACING_ENABLED", false) { used_by: "none" };
        /// **Accepted, not used yet**. X-Ray does not need it.
        tracing_endpoint: Option<Url> = url("TRACING_ENDPOINT") {
            used_by: "none",
            example: "http://localhost:4318/v1/traces"
        };
        /// **Accepted, not used yet**.
        sentry: Setting = setting("SENTRY_DSN") {
            used_by: "none",
            allowed: "a reference, where deployed",
            example: "https://key@sentry.example/1"
        };
    }
}

impl Monitoring {
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        if self.tracing && self.tracing_endpoint.is_none() {
            reader.problem("TRACING_ENABLED is true, but TRACING_ENDPOINT is not set".to_owned());
        }
    }
}
