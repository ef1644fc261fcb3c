//! Records spans: what a function does in an invocation, and how long it takes.
//!
//! Every span is recorded, whether its trace is sampled or not, because only the end shows that a request failed or was slow. A span
//! that is not written costs its few allocations.

use std::{
    borrow::Cow,
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, filter::FilterFn, layer::Context, registry::LookupSpan};

use super::trace::{Link, TRACE, Trace, random_id};

/// The most spans that wait to be written. A job may have thousands of transactions.
const MAX_SPANS: usize = 128;
/// A longer invocation is written even if its trace is not sampled.
const SLOW: Duration = Duration::from_secs(1);

/// A span that is recorded, from its begin until it is written.
pub(super) struct Open {
    pub trace: u128,
    pub id: u64,
    /// 0: none.
    pub parent: u64,
    pub sampled: bool,
    /// Whether it is the first one of an invocation or of a message.
    pub first: bool,
    pub name: Cow<'static, str>,
    /// `SpanKind` of OTLP.
    pub kind: u8,
    pub began: SystemTime,
    started: Instant,
    pub duration: Duration,
    pub attributes: Vec<(&'static str, Value)>,
    link: Link,
    pub failed: bool,
}

/// The value of an attribute.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

/// The spans that have ended and are not written yet.
#[derive(Default)]
pub(super) struct Ended {
    spans: Vec<Open>,
    dropped: usize,
}

/// Records the spans with the target [`TRACE`] and the calls of the AWS clients, below a span that has begun a trace.
pub(super) struct Spans(pub &'static Mutex<Ended>);

/// Returns the filter of [`Spans`], which admits nothing unless spans are `wanted`.
pub(super) fn exported(wanted: bool) -> FilterFn {
    if wanted {
        let is_exported: fn(&Metadata<'_>) -> bool =
            |metadata| metadata.is_span() && (metadata.target() == TRACE || is_call_of_aws(metadata));
        FilterFn::new(is_exported).with_max_level_hint(LevelFilter::DEBUG)
    } else {
        let nothing: fn(&Metadata<'_>) -> bool = |_| false;
        FilterFn::new(nothing).with_max_level_hint(LevelFilter::OFF)
    }
}

/// The clients make a span for each call, with names of OpenTelemetry's semantic conventions.
fn is_call_of_aws(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("aws_sdk_") && metadata.fields().field("rpc.method").is_some()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut open = Open::new(span.name());
        if attributes.metadata().target() != TRACE {
            open.kind = CLIENT;
        }
        attributes.record(&mut open);
        if !open.first {
            let Some(above) = span.parent() else { return };
            let extensions = above.extensions();
            let Some(above) = extensions.get::<Open>() else { return };
            (open.trace, open.parent, open.sampled) = (above.trace, above.id, above.sampled);
        }
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut open) = span.extensions_mut().remove::<Open>() else { return };
        open.duration = open.started.elapsed();
        let mut ended = lock(self.0);
        if ended.spans.len() < MAX_SPANS || open.first {
            ended.spans.push(open);
        } else {
            ended.dropped += 1;
        }
    }
}

/// Takes the spans that are to be written, and how many more there were.
///
/// While the invocation runs, those that are not sampled wait for its end. Then they are written if it failed or was slow.
pub(super) fn take(ended: &Mutex<Ended>) -> (Vec<Open>, usize) {
    let mut ended = lock(ended);
    let is_over = ended.spans.iter().any(|span| span.first);
    let wanted: Vec<_> = ended
        .spans
        .iter()
        .filter(|span| span.first && (span.failed || span.duration > SLOW))
        .map(|span| span.trace)
        .collect();
    let spans = mem::take(&mut ended.spans);
    let (written, others) =
        spans.into_iter().partition::<Vec<_>, _>(|span| span.sampled || wanted.contains(&span.trace));
    if !is_over {
        ended.spans = others;
    }
    let dropped = if is_over || !written.is_empty() { mem::take(&mut ended.dropped) } else { 0 };
    (written, dropped)
}

fn lock(ended: &Mutex<Ended>) -> MutexGuard<'_, Ended> {
    ended.lock().unwrap_or_else(PoisonError::into_inner)
}

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;

impl Open {
    fn new(name: &'static str) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the time of a span is that of the machine, as in X-Ray"
        )]
        let began = SystemTime::now();
        Self {
            trace: 0,
            id: random_id(),
            parent: 0,
            sampled: false,
            first: false,
            name: Cow::Borrowed(name),
            kind: INTERNAL,
            began,
            started: Instant::now(),
            duration: Duration::ZERO,
            attributes: Vec::new(),
            link: Link { trace: 0, span: 0 },
            failed: false,
        }
    }

    /// Returns the trace, to be continued below this span.
    pub fn trace(&self) -> Trace {
        Trace { id: self.trace, parent: self.id, sampled: self.sampled }
    }

    pub fn link(&self) -> Option<Link> {
        (self.link.trace != 0).then_some(self.link)
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match (name, value) {
            ("otel.name", Value::Text(text)) => self.name = Cow::Owned(text),
            ("otel.kind", Value::Text(text)) => {
                self.kind = match text.as_str() {
                    "server" => SERVER,
                    "client" => CLIENT,
                    "producer" => PRODUCER,
                    "consumer" => CONSUMER,
                    _ => INTERNAL,
                }
            }
            ("trace.sampled", Value::Bool(sampled)) => self.sampled = sampled,
            (name, value) => {
                self.failed |= name == "error.type";
                self.attributes.push((name, value));
            }
        }
    }
}

impl Visit for Open {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), Value::Int(value));
    }

    /// Ids of spans are fields of this type too.
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "trace.parent" => self.parent = value,
            "link.span" => self.link.span = value,
            name => self.set(name, Value::Int(i64::try_from(value).unwrap_or(i64::MAX))),
        }
    }

    /// Ids of traces are the only fields of this type.
    fn record_u128(&mut self, field: &Field, value: u128) {
        match field.name() {
            "trace.id" => {
                self.trace = value;
                self.first = true;
            }
            "link.trace" => self.link.trace = value,
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), Value::Bool(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), Value::Double(value));
    }
}

#[cfg(test)]
mod tests {
    use tracing::{field, subscriber::with_default};
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;

    const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const NOT_SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

    /// Runs `work` in the trace of `header`. Returns what would be written.
    fn recorded(header: &str, work: impl FnOnce()) -> Vec<Open> {
        let ended: &'static Mutex<Ended> = Box::leak(Box::default());
        let subscriber = registry().with(Spans(ended).with_filter(exported(true)));
        with_default(subscriber, || {
            let span = Trace::of(Some(header)).request(None, "GET", "/health");
            span.in_scope(work);
        });
        take(ended).0
    }

    #[test]
    fn spans_of_one_request_are_one_tree() {
        let mut continued = None;
        let spans = recorded(SAMPLED, || {
            let transaction = tracing::info_span!(target: TRACE, "transaction", otel.kind = "client", db.system.name = "postgresql");
            let _log = tracing::info_span!("log", user.id = 1).entered();
            transaction.in_scope(|| continued = Trace::current());
        });
        let [transaction, request] = spans.as_slice() else { panic!("{} spans", spans.len()) };
        assert_eq!(
            (request.name.as_ref(), request.kind, request.parent),
            ("GET /health", SERVER, 0x5399_5c3f_42cd_8ad8)
        );
        assert_eq!(
            (transaction.name.as_ref(), transaction.kind, transaction.parent),
            ("transaction", CLIENT, request.id)
        );
        assert_eq!(transaction.attributes, [("db.system.name", Value::Text("postgresql".to_owned()))]);
        assert_eq!(request.trace, 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793);
        assert_eq!(continued, Some(transaction.trace()));
    }

    #[test]
    fn span_inside_of_a_span_of_the_log_keeps_its_parent() {
        let spans = recorded(SAMPLED, || {
            let _log = tracing::info_span!("log").entered();
            drop(tracing::info_span!(target: TRACE, "redis"));
        });
        assert_eq!(spans.len(), 2);
        assert_eq!(spans[0].parent, spans[1].id);
    }

    #[test]
    fn not_sampled_is_written_only_after_a_failure() {
        assert!(recorded(NOT_SAMPLED, || {}).is_empty());
        let failed = recorded(NOT_SAMPLED, || {
            drop(tracing::info_span!(target: TRACE, "redis"));
            tracing::Span::current().record("error.type", "internal-error");
        });
        assert_eq!(failed.len(), 2);
        // The failure of a part is the request's business: it may have continued without.
        let part = recorded(NOT_SAMPLED, || {
            let redis = tracing::info_span!(target: TRACE, "redis", "error.type" = field::Empty);
            redis.record("error.type", "unavailable");
        });
        assert!(part.is_empty());
    }

    #[test]
    fn calls_of_the_aws_clients_are_spans() {
        let spans = recorded(SAMPLED, || {
            drop(tracing::debug_span!(
                target: "aws_sdk_sqs::operation::send_message", "SQS.SendMessage",
                "rpc.service" = "SQS", "rpc.method" = "SendMessage", "sdk_invocation_id" = 1_u32,
            ));
            drop(tracing::debug_span!(target: "aws_sdk_sqs::operation::send_message", "other"));
            drop(tracing::info_span!(target: "hyper", "other"));
        });
        assert_eq!(spans.len(), 2);
        assert_eq!((spans[0].name.as_ref(), spans[0].kind), ("SQS.SendMessage", CLIENT));
    }

    #[test]
    fn message_continues_the_trace_of_its_sender_and_links_to_the_invocation() {
        let sender = Trace { id: 7, parent: 8, sampled: true };
        let spans = recorded(SAMPLED, || {
            drop(Trace::message(Some(&sender), "index", "m1"));
            drop(Trace::message(None, "index", "m2"));
        });
        let [first, second, invocation] = spans.as_slice() else { panic!("{} spans", spans.len()) };
        assert_eq!((first.trace, first.parent, first.kind), (7, 8, CONSUMER));
        assert_eq!(first.link(), Some(Link { trace: invocation.trace, span: invocation.id }));
        assert_eq!((second.trace, second.parent, second.link()), (invocation.trace, invocation.id, None));
    }

    #[test]
    fn job_with_many_spans_is_written_in_part() {
        let ended: &'static Mutex<Ended> = Box::leak(Box::default());
        let subscriber = registry().with(Spans(ended).with_filter(exported(true)));
        with_default(subscriber, || {
            let run = Trace::of(Some(NOT_SAMPLED)).invocation("retention", "run");
            run.in_scope(|| {
                for _ in 0..MAX_SPANS + 3 {
                    drop(tracing::info_span!(target: TRACE, "transaction"));
                }
            });
            assert!(take(ended).0.is_empty(), "written before the run has ended");
            run.record("error.type", "failed");
        });
        let (spans, dropped) = take(ended);
        assert_eq!((spans.len(), dropped), (MAX_SPANS + 1, 3));
    }
}
