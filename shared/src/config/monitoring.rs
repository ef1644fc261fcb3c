//! `LOG_*`, `METRICS_*`, `TRACING_*`, `SENTRY_DSN`: logs, metrics and traces.

use secrecy::ExposeSecret;
use url::Url;

use super::{Setting, reader::Reader, section::section};

section! {
    /// Logs, metrics and traces
    pub struct Monitoring {
        /// The lowest level that the project's own code logs. Other code logs from `warn`.
        // `telemetry` reads this variable, the next two and `TRACING_ENABLED` itself, before the configuration, so that errors in it can be
        // logged.
        log_level: &'static str = one_of("LOG_LEVEL", "info", &["error", "warn", "info", "debug", "trace"]) {
            used_by: "all"
        };
        /// The format of the log.
        log_format: &'static str = one_of("LOG_FORMAT", "json", &["json", "pretty"]) { used_by: "all" };
        /// Whether metrics are written to the log.
        metrics: bool = flag("METRICS_ENABLED", true) { used_by: "all" };
        /// The port at which `cargo xtask dev` serves the metrics as Prometheus text. Where deployed, CloudWatch reads them from the log,
        /// and no port is opened.
        metrics_port: u16 = port("METRICS_PORT", 9090) { used_by: "`xtask`; the functions only check it" };
        /// Whether spans are written to the log, for `observe`. `true` needs an endpoint. X-Ray does not need it.
        tracing: bool = flag("TRACING_ENABLED", false) { used_by: "all" };
        /// The collector of spans: OTLP/HTTP, with its path. Where deployed, `https://` only.
        tracing_endpoint: Option<Url> = url("TRACING_ENDPOINT") {
            used_by: "observe",
            example: "http://localhost:4318/v1/traces"
        };
        /// Headers for the collector, such as its key: `name=value`, separated by commas, as in `OTEL_EXPORTER_OTLP_HEADERS`.
        tracing_headers: Setting = setting("TRACING_HEADERS") {
            used_by: "observe",
            allowed: "a reference, where deployed",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/monitoring-AbCdEf:tracingHeaders::"
        };
        /// The DSN of the Sentry project that gets errors, crashes and timeouts.
        sentry: Setting = setting("SENTRY_DSN") {
            used_by: "observe",
            allowed: "a reference, where deployed",
            example: "https://key@sentry.example/1"
        };
    }
}

impl Monitoring {
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        match &self.tracing_endpoint {
            Some(endpoint) => check_endpoint(endpoint, reader),
            None if self.tracing => {
                reader.problem("TRACING_ENABLED is true, but TRACING_ENDPOINT is not set".to_owned());
            }
            None => {}
        }
        if let Setting::Plain(dsn) = &self.sentry
            && !is_dsn(dsn.expose_secret())
        {
            reader.problem("SENTRY_DSN is not a DSN; expected https://<key>@<host>/<project>".to_owned());
        }
    }
}

fn check_endpoint(endpoint: &Url, reader: &mut Reader<'_>) {
    if endpoint.path() == "/api/traces" {
        // Jaeger's own protocol, which Jaeger has removed.
        reader.problem(format!(
            "TRACING_ENDPOINT is a collector of Jaeger's old protocol (/api/traces); use that of OTLP, such as {}",
            otlp_beside(endpoint)
        ));
    } else if endpoint.path() == "/" {
        reader.problem("TRACING_ENDPOINT has no path; usual is /v1/traces".to_owned());
    }
    if reader.deployed() && endpoint.scheme() != "https" {
        reader.problem("TRACING_ENDPOINT is not an https:// URL".to_owned());
    }
}

/// Returns the usual address of OTLP/HTTP on the host of `endpoint`.
fn otlp_beside(endpoint: &Url) -> String {
    format!("{}://{}:4318/v1/traces", endpoint.scheme(), endpoint.host_str().unwrap_or_default())
}

fn is_dsn(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let has_project = url.path().rsplit('/').next().is_some_and(|project| !project.is_empty());
        matches!(url.scheme(), "http" | "https")
            && !url.username().is_empty()
            && url.has_host()
            && has_project
    })
}
