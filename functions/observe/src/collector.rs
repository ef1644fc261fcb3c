//! The receiver of spans, by OTLP/HTTP with protobuf (OpenTelemetry Protocol 1.9, "OTLP/HTTP").

use anyhow::anyhow;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    trace::v1::ResourceSpans,
};
use prost::Message;
use shared::{
    aws::secrets::Secrets,
    config::{Monitoring, Setting},
    domain::deadline::Deadline,
    http_client::{HttpClient, Request},
    lambda::queue::TryAgain,
};
use url::Url;

const MAX_RESPONSE_BYTES: usize = 64 << 10;

pub struct Collector {
    http: HttpClient,
    secrets: Secrets,
    url: Url,
    headers: Setting,
}

impl Collector {
    /// Returns the configured collector; `None` without one.
    pub fn new(config: &Monitoring, http: HttpClient, secrets: Secrets) -> Option<Self> {
        let url = config.tracing_endpoint.clone()?;
        Some(Self { http, secrets, url, headers: config.tracing_headers.clone() })
    }

    /// Sends `spans` in one request. Returns how many there were.
    pub async fn send(&self, spans: Vec<ResourceSpans>, deadline: Deadline) -> anyhow::Result<usize> {
        let count: usize =
            spans.iter().flat_map(|spans| &spans.scope_spans).map(|scope| scope.spans.len()).sum();
        if count == 0 {
            return Ok(0);
        }
        let configured = match &self.headers {
            Setting::Absent(_) => None,
            headers => Some(self.secrets.get(headers).await?),
        };
        let mut headers = vec![("content-type", "application/x-protobuf")];
        headers.extend(parse_headers(configured.as_ref().map_or("", |headers| headers.as_str()))?);
        let body = ExportTraceServiceRequest { resource_spans: spans }.encode_to_vec();
        let response = self.http.send(Request {
            method: "POST",
            url: &self.url,
            headers: &headers,
            body,
            deadline,
            max_bytes: MAX_RESPONSE_BYTES,
        });
        let unavailable =
            |why: &dyn std::fmt::Display| TryAgain(format!("TRACING_ENDPOINT is unavailable: {why}"));
        let response =
            response.await.map_err(|error| unavailable(&format!("{:#}", anyhow::Error::from(error))))?;
        match response.status() {
            200..=299 => {
                let body = response.bytes().await.map_err(|error| unavailable(&error))?;
                warn_of_rejected(&body);
            }
            // The same request would be refused again.
            status @ (400 | 413) => {
                tracing::error!(status, spans = count, "spans refused by TRACING_ENDPOINT");
            }
            status => return Err(unavailable(&format!("status {status}")).into()),
        }
        Ok(count)
    }
}

/// Logs how many spans the collector has not stored. They are not to be sent again.
fn warn_of_rejected(body: &[u8]) {
    let answer = ExportTraceServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    if let Some(rejected) = answer.map(|answer| answer.rejected_spans).filter(|rejected| *rejected > 0) {
        tracing::warn!(rejected, "spans rejected by TRACING_ENDPOINT");
    }
}

/// Parses `name=value` pairs, separated by commas.
fn parse_headers(text: &str) -> anyhow::Result<Vec<(&str, &str)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let parsed = pairs.map(|pair| pair.split_once('=').map(|(name, value)| (name.trim(), value.trim())));
    parsed.collect::<Option<_>>().ok_or_else(|| anyhow!("TRACING_HEADERS is not a list of name=value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs() {
        assert_eq!(parse_headers("").expect("none"), []);
        let two = parse_headers("authorization=Basic YTpi, x-scope=a=b").expect("two");
        assert_eq!(two, [("authorization", "Basic YTpi"), ("x-scope", "a=b")]);
        let error = parse_headers("canary").expect_err("no pair").to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}
