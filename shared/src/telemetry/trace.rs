//! The trace that an invocation belongs to: ids and sampling are those of X-Ray.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
};

use tracing::{Span, field};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan;

use super::spans::Open;

/// The target of the spans that are exported: `tracing::info_span!(target: TRACE, "name", …)`. The fields of other spans are those of
/// log lines.
pub const TRACE: &str = "trace";

/// The place in a trace at which other work continues it. As text: X-Ray's tracing header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    pub id: u128,
    /// The id of the parent span. 0: none.
    pub parent: u64,
    pub sampled: bool,
}

/// A span of another trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub trace: u128,
    pub span: u64,
}

impl Trace {
    /// Returns the trace of an invocation with this tracing header. Without a header, as on a developer's machine, a new trace that is
    /// sampled; with one that cannot be read, a new trace that is not.
    #[must_use]
    pub fn of(header: Option<&str>) -> Self {
        let new = || Self {
            id: u128::from(random_id()) << 64 | u128::from(random_id()),
            parent: 0,
            sampled: header.is_none(),
        };
        header.and_then(Self::parse).unwrap_or_else(new)
    }

    /// Parses a tracing header (AWS X-Ray Developer Guide, "Tracing header"). `None` without a valid `Root`.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let member = |name| {
            let members = header.split(';').filter_map(|member| member.trim().split_once('='));
            members.into_iter().find_map(|(key, value)| (key == name).then_some(value))
        };
        let (time, rest) = member("Root")?.strip_prefix("1-")?.split_once('-')?;
        let id = u128::from(hex::<8>(time)?) << 96 | hex_wide::<24>(rest)?;
        Some(Self {
            id,
            parent: member("Parent").and_then(hex::<16>).unwrap_or_default(),
            sampled: member("Sampled") == Some("1"),
        })
    }

    /// Returns the trace of the current span, which becomes the parent. `None` if spans are not recorded here.
    #[must_use]
    pub fn current() -> Option<Self> {
        let current = Span::current().with_subscriber(|(id, subscriber)| {
            let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
            span.scope().find_map(|span| span.extensions().get::<Open>().map(Open::trace))
        });
        current.flatten()
    }

    /// Returns the id as OpenTelemetry writes it.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// Begins the span of a request: the first one of its invocation.
    #[must_use]
    pub fn request(&self, link: Option<Link>, method: &str, route: &str) -> Span {
        tracing::info_span!(
            target: TRACE, "request", trace.id = self.id, trace.parent = self.parent, trace.sampled = self.sampled,
            link.trace = link.map(|link| link.trace), link.span = link.map(|link| link.span),
            otel.kind = "server", otel.name = format!("{method} {route}"),
            http.request.method = method, http.route = route, http.response.status_code = field::Empty,
            faas.coldstart = field::Empty, "error.type" = field::Empty,
        )
    }

    /// Begins the span of a run of a job, or of a batch of messages.
    #[must_use]
    pub fn invocation(&self, name: &'static str, id: &str) -> Span {
        tracing::info_span!(
            target: TRACE, "invocation", trace.id = self.id, trace.parent = self.parent, trace.sampled = self.sampled,
            otel.kind = "server", otel.name = name.replace('_', "-"), faas.invocation_id = id,
            messaging.batch.message_count = field::Empty, "error.type" = field::Empty,
        )
    }

    /// Begins the span of a message of `queue`, which continues the trace of its sender. Its link is the invocation, the current span.
    #[must_use]
    pub fn message(sender: Option<&Self>, queue: &str, id: &str) -> Span {
        let link = sender.and_then(|_| Self::current());
        tracing::info_span!(
            target: TRACE, "message", trace.id = sender.map(|trace| trace.id), trace.parent = sender.map(|trace| trace.parent),
            trace.sampled = sender.map(|trace| trace.sampled),
            link.trace = link.map(|link| link.id), link.span = link.map(|link| link.parent),
            otel.kind = "consumer", otel.name = format!("process {queue}"), messaging.system = "aws_sqs",
            "messaging.operation.type" = "process", messaging.destination.name = queue, messaging.message.id = id,
            "error.type" = field::Empty,
        )
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, rest) = (self.id >> 96, self.id & (u128::MAX >> 32));
        write!(f, "Root=1-{time:08x}-{rest:024x}")?;
        if self.parent != 0 {
            write!(f, ";Parent={:016x}", self.parent)?;
        }
        write!(f, ";Sampled={}", u8::from(self.sampled))
    }
}

impl Link {
    /// Parses a `traceparent` (W3C Trace Context, section 3.2). `None` if it is not valid.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (version, rest) = traceparent.split_once('-')?;
        hex::<2>(version).filter(|version| *version != 0xff)?;
        let mut parts = rest.split('-');
        let link = Self { trace: hex_wide::<32>(parts.next()?)?, span: hex::<16>(parts.next()?)? };
        (link.trace != 0 && link.span != 0).then_some(link)
    }
}

/// Returns a random number that is not 0, for the id of a span.
///
/// The standard library's hasher has a key from the operating system, and another one for each hasher. No system call.
pub(super) fn random_id() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

/// Parses a number that is written with exactly `DIGITS` hexadecimal digits.
fn hex<const DIGITS: usize>(text: &str) -> Option<u64> {
    hex_wide::<DIGITS>(text)?.try_into().ok()
}

fn hex_wide<const DIGITS: usize>(text: &str) -> Option<u128> {
    let valid = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_xray_is_read_and_written() {
        let text = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let trace = Trace::parse(text).expect("a header");
        assert_eq!(trace.hex(), "5759e988bd862e3fe1be46a994272793");
        assert_eq!((trace.parent, trace.sampled), (0x5399_5c3f_42cd_8ad8, true));
        assert_eq!(trace.to_string(), text);

        let first = "Root=1-5759e988-000000000000000000000001;Sampled=0";
        assert_eq!(Trace::parse(first).expect("a header").to_string(), first);
        let more = "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793; Lineage=a:1|b:2";
        let trace = Trace::parse(more).expect("a header");
        assert_eq!(
            (trace.hex().as_str(), trace.parent, trace.sampled),
            ("5759e988bd862e3fe1be46a994272793", 0, false)
        );
    }

    #[test]
    fn without_a_valid_header_the_trace_is_new() {
        for header in [
            "",
            "Root=",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279",
            "Root=1-+759e988-bd862e3fe1be46a994272793",
            "Parent=53995c3f42cd8ad8;Sampled=1",
        ] {
            assert_eq!(Trace::parse(header), None, "{header}");
            assert!(!Trace::of(Some(header)).sampled, "{header}");
        }
        let (one, other) = (Trace::of(None), Trace::of(None));
        assert!(one.sampled && one.parent == 0 && one.id != other.id);
    }

    #[test]
    fn traceparent_of_a_client_becomes_a_link() {
        let link = Link::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a link");
        assert_eq!(
            (link.trace, link.span),
            (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331)
        );
        assert!(Link::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later").is_some());
        for text in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-canary-b7ad6b7169203331-01",
        ] {
            assert_eq!(Link::parse(text), None, "{text}");
        }
    }
}
