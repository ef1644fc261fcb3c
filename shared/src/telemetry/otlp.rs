//! Spans as a line of OTLP/JSON (OpenTelemetry Protocol 1.9, "JSON Protobuf Encoding").

use std::time::UNIX_EPOCH;

use serde::Serialize;

use super::spans::{self, Open};

/// The attributes that are written, by the semantic conventions of OpenTelemetry. All others are not, so that no personal data leaves
/// with a span: `url.path`, `url.query`, `client.address` and `user.id` are not here.
pub const ATTRIBUTES: [&str; 23] = [
    "db.operation.batch.size",
    "db.system.name",
    "error.type",
    "faas.coldstart",
    "faas.invocation_id",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "messaging.batch.message_count",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.operation.type",
    "messaging.system",
    "rpc.method",
    "rpc.service",
    "rpc.system",
    "server.address",
    "server.port",
];
/// The version of the conventions.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The function that writes the spans: attributes of the resource.
pub(super) type Resource = Vec<(&'static str, String)>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    /// What the filter of the subscriptions looks for.
    otlp: bool,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_spans: usize,
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Attributes<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
    schema_url: &'static str,
}

#[derive(Serialize)]
struct Attributes<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    trace_id: String,
    #[serde(rename = "spanId")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'a str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<[Link; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
struct Attribute<'a> {
    key: &'static str,
    value: Value<'a>,
}

#[derive(Serialize)]
enum Value<'a> {
    #[serde(rename = "stringValue")]
    Text(&'a str),
    /// As text, because JSON's numbers are less exact.
    #[serde(rename = "intValue")]
    Int(String),
    #[serde(rename = "doubleValue")]
    Double(f64),
    #[serde(rename = "boolValue")]
    Bool(bool),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: String,
    span_id: String,
}

#[derive(Serialize)]
struct Status {
    code: u8,
}

/// Appends the line of `spans` to `lines`.
pub(super) fn write(
    lines: &mut Vec<u8>,
    resource: &Resource,
    spans: &[Open],
    dropped: usize,
) -> serde_json::Result<()> {
    let resource = resource.iter().map(|(key, value)| Attribute { key, value: Value::Text(value) });
    let line = Line {
        otlp: true,
        dropped_spans: dropped,
        resource_spans: [ResourceSpans {
            resource: Attributes { attributes: resource.collect() },
            scope_spans: [ScopeSpans { spans: spans.iter().map(Span::from).collect() }],
            schema_url: SCHEMA,
        }],
    };
    serde_json::to_writer(&mut *lines, &line)?;
    lines.push(b'\n');
    Ok(())
}

impl<'a> From<&'a Open> for Span<'a> {
    fn from(span: &'a Open) -> Self {
        let began = span.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let attributes = span.attributes.iter().filter(|(name, _)| ATTRIBUTES.contains(name));
        Self {
            trace_id: trace_id(span.trace),
            id: span_id(span.id),
            parent_span_id: (span.parent != 0).then(|| span_id(span.parent)),
            name: &span.name,
            kind: span.kind,
            start_time_unix_nano: began.as_nanos().to_string(),
            end_time_unix_nano: (began + span.duration).as_nanos().to_string(),
            attributes: attributes.map(|(key, value)| Attribute { key, value: value.into() }).collect(),
            links: span
                .link()
                .map(|link| [Link { trace_id: trace_id(link.trace), span_id: span_id(link.span) }]),
            status: span.failed.then_some(Status { code: ERROR }),
        }
    }
}

impl<'a> From<&'a spans::Value> for Value<'a> {
    fn from(value: &'a spans::Value) -> Self {
        match value {
            spans::Value::Text(text) => Self::Text(text),
            spans::Value::Int(number) => Self::Int(number.to_string()),
            spans::Value::Double(number) => Self::Double(*number),
            spans::Value::Bool(flag) => Self::Bool(*flag),
        }
    }
}

fn trace_id(id: u128) -> String {
    format!("{id:032x}")
}

fn span_id(id: u64) -> String {
    format!("{id:016x}")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path, sync::Mutex};

    use serde_json::{Value as Json, json};
    use tracing::subscriber::with_default;
    use tracing_subscriber::{Layer, layer::SubscriberExt, registry};

    use super::*;
    use crate::telemetry::{
        spans::{Ended, Spans, exported, take},
        trace::{Link as ClientLink, TRACE, Trace},
    };

    /// What the layer reads itself.
    const CONTROL: [&str; 7] =
        ["link.span", "link.trace", "otel.kind", "otel.name", "trace.id", "trace.parent", "trace.sampled"];

    /// Returns the line of a request with one transaction, which has another attribute too.
    fn line() -> Json {
        let ended: &'static Mutex<Ended> = Box::leak(Box::default());
        let subscriber = registry().with(Spans(ended).with_filter(exported(true)));
        with_default(subscriber, || {
            let trace =
                Trace::of(Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"));
            let request = trace.request(Some(ClientLink { trace: 1, span: 2 }), "POST", "/v1/auth/login");
            request.in_scope(|| {
                drop(tracing::info_span!(
                    target: TRACE, "transaction", otel.kind = "client", db.system.name = "postgresql",
                    user.email = "canary@example.com", db.query.text = "SELECT 'canary'",
                ));
            });
            request.record("http.response.status_code", 500);
            request.record("faas.coldstart", true);
            request.record("error.type", "internal-error");
        });
        let mut written = Vec::new();
        let resource = vec![("service.name", "auth".to_owned())];
        write(&mut written, &resource, &take(ended).0, 0).expect("a line");
        assert_eq!(written.iter().position(|byte| *byte == b'\n'), Some(written.len() - 1));
        serde_json::from_slice(&written).expect("JSON")
    }

    #[test]
    fn request_is_one_line_of_otlp() {
        let mut line = line();
        let spans = line["resourceSpans"][0]["scopeSpans"][0]["spans"].take();
        let [transaction, request] = spans.as_array().expect("a list").as_slice() else {
            panic!("{spans:#}")
        };
        for (span, name, expected) in [
            (request, "traceId", json!("5759e988bd862e3fe1be46a994272793")),
            (request, "parentSpanId", json!("53995c3f42cd8ad8")),
            (request, "name", json!("POST /v1/auth/login")),
            (request, "kind", json!(2)),
            (request, "status", json!({ "code": 2 })),
            (
                request,
                "links",
                json!([{ "traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 2) }]),
            ),
            (transaction, "traceId", json!("5759e988bd862e3fe1be46a994272793")),
            (transaction, "parentSpanId", request["spanId"].clone()),
            (transaction, "kind", json!(3)),
            (transaction, "status", Json::Null),
            (
                transaction,
                "attributes",
                json!([{ "key": "db.system.name", "value": { "stringValue": "postgresql" } }]),
            ),
        ] {
            assert_eq!(span[name], expected, "{name} of {span:#}");
        }
        for (key, value) in [
            ("http.route", json!({ "stringValue": "/v1/auth/login" })),
            ("http.response.status_code", json!({ "intValue": "500" })),
            ("faas.coldstart", json!({ "boolValue": true })),
        ] {
            let attributes = request["attributes"].as_array().expect("a list");
            assert!(attributes.contains(&json!({ "key": key, "value": value })), "{key} in {request:#}");
        }
        let nanos = |name: &str| request[name].as_str().expect("text").parse::<u128>().expect("a number");
        assert!(nanos("startTimeUnixNano") <= nanos("endTimeUnixNano"));
        let resource =
            json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "auth" } }] });
        assert_eq!((&line["otlp"], &line["resourceSpans"][0]["resource"]), (&json!(true), &resource));
    }

    #[test]
    fn attribute_that_is_not_in_the_list_is_not_written() {
        assert!(!line().to_string().contains("canary"));
    }

    #[test]
    fn list_of_attributes_is_sorted_and_has_what_the_code_records() {
        assert!(ATTRIBUTES.is_sorted());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let mut recorded = BTreeSet::new();
        for folder in ["shared/src", "functions"] {
            visit(&root.join(folder), &mut |text| recorded.extend(fields(text)));
        }
        let aws = ["rpc.method", "rpc.service", "rpc.system"].map(str::to_owned);
        recorded.extend(aws);
        recorded.retain(|name| !CONTROL.contains(&name.as_str()));
        let listed: BTreeSet<_> = ATTRIBUTES.map(str::to_owned).into();
        assert_eq!(recorded, listed);
    }

    #[test]
    fn documentation_lists_the_attributes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let page = fs::read_to_string(root.join("docs/logging.md")).expect("a page");
        let missing: Vec<_> =
            ATTRIBUTES.into_iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/logging.md does not name {missing:?}");
    }

    fn visit(folder: &Path, read: &mut impl FnMut(&str)) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                visit(&path, read);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a file");
                // Tests record what must not be written.
                read(text.split("mod tests {").next().unwrap_or_default());
            }
        }
    }

    /// Returns the names of the fields of the spans with the target TRACE in a source text.
    fn fields(text: &str) -> Vec<String> {
        let calls = text.split("target: TRACE,").skip(1);
        let arguments = calls.map(|rest| {
            let mut depth = 1;
            let end = rest.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            &rest[..end.unwrap_or(rest.len())]
        });
        let names = arguments.flat_map(|arguments| {
            arguments.split([',', '\n']).filter_map(|field| {
                let name = field.split_once(" = ")?.0.trim().trim_matches('"');
                let is_name = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
                (name.contains('.') && name.chars().all(is_name)).then(|| name.to_owned())
            })
        });
        names.collect()
    }
}
