//! Responses as server-sent events, written by a task that continues after the handler.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::task::TaskTracker;

/// A comment after so much silence keeps the connection open: the gateway closes it after five minutes (Amazon API Gateway Developer
/// Guide, "Stream the integration response").
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING: &[u8] = b": ping\n\n";

/// Tasks that continue after the handler. Lambda freezes an instance after its invocation, so the invocation waits for them
/// ([`crate::lambda::http::run_streaming`]). Cheap to clone.
#[derive(Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// Starts a task.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.spawn(task)
    }

    /// Waits until all tasks have ended, up to `time`. Returns whether they have.
    pub async fn wait(&self, time: Duration) -> bool {
        self.0.close();
        let ended = timeout(time, self.0.wait()).await.is_ok();
        self.0.reopen();
        ended
    }
}

/// An event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    name: &'static str,
    /// JSON, which has no line breaks.
    data: String,
}

impl Event {
    /// Creates an event with `data` as JSON.
    pub fn new(name: &'static str, data: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self { name, data: serde_json::to_string(data)? })
    }

    fn write(&self, id: u64) -> Bytes {
        let Self { name, data } = self;
        format!("id: {id}\nevent: {name}\ndata: {data}\n\n").into()
    }
}

/// Returns the response with the events that the task sends, until it drops the sender. In a silence it sends a comment.
///
/// The body never fails: the runtime of Lambda would write the error into it as text. If the client has left, the receiver is dropped.
#[must_use]
pub fn respond(events: mpsc::UnboundedReceiver<Event>) -> Response {
    respond_with(events, PING_INTERVAL)
}

fn respond_with(events: mpsc::UnboundedReceiver<Event>, ping_interval: Duration) -> Response {
    let body = stream::unfold((events, 1), move |(mut events, id)| async move {
        let bytes = match timeout(ping_interval, events.recv()).await {
            Ok(Some(event)) => event.write(id),
            Ok(None) => return None,
            Err(_) => return Some((Ok::<_, Infallible>(Bytes::from_static(PING)), (events, id))),
        };
        Some((Ok(bytes), (events, id + 1)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        // nginx, before an API on one's own servers.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// Makes one line of headers with the same name (RFC 9110, 5.3). The format of streamed responses has one value for each name. Cookies
/// have a place of their own in it.
pub fn join_headers(headers: &mut HeaderMap) {
    let repeated: Vec<_> = headers
        .keys()
        .filter(|name| **name != header::SET_COOKIE && headers.get_all(*name).iter().nth(1).is_some())
        .cloned()
        .collect();
    for name in repeated {
        let values: Vec<_> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(&b", "[..])) {
            headers.insert(name, joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use serde_json::json;
    use tokio::time::sleep;

    use super::*;

    fn delta(text: &str) -> Event {
        Event::new("delta", &json!({ "text": text })).expect("JSON")
    }

    #[tokio::test]
    async fn events_are_numbered_and_written_as_they_come() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let response = respond(receiver);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store, no-transform");
        let mut body = response.into_body().into_data_stream();
        for (text, expected) in [
            ("a\nb", "id: 1\nevent: delta\ndata: {\"text\":\"a\\nb\"}\n\n"),
            ("ö\r", "id: 2\nevent: delta\ndata: {\"text\":\"ö\\r\"}\n\n"),
        ] {
            sender.send(delta(text)).expect("a receiver");
            assert_eq!(body.next().await.expect("bytes").expect("no error"), expected);
        }
        drop(sender);
        assert!(body.next().await.is_none());
    }

    #[tokio::test]
    async fn silence_is_broken_by_comments() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let response = respond_with(receiver, Duration::from_millis(20));
        let mut body = response.into_body().into_data_stream();
        for _ in 0..3 {
            assert_eq!(body.next().await.expect("bytes").expect("no error"), ": ping\n\n");
        }
        sender.send(delta("a")).expect("a receiver");
        let event = body.next().await.expect("bytes").expect("no error");
        assert!(event.starts_with(b"id: 1\nevent: delta\n"), "{event:?}");
    }

    #[tokio::test]
    async fn sender_sees_that_the_client_has_left() {
        let (sender, receiver) = mpsc::unbounded_channel::<Event>();
        let response = respond(receiver);
        assert!(!sender.is_closed());
        drop(response);
        sender.closed().await;
    }

    #[tokio::test]
    async fn each_invocation_waits_for_its_tasks() {
        let tasks = Tasks::default();
        for _ in 0..2 {
            tasks.spawn(sleep(Duration::from_millis(200)));
            assert!(!tasks.wait(Duration::from_millis(20)).await);
            assert!(tasks.wait(Duration::from_secs(5)).await);
        }
        assert!(tasks.wait(Duration::ZERO).await, "without tasks");
    }

    #[test]
    fn repeated_headers_become_one() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("vary", "origin"),
            ("vary", "accept"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("etag", "\"1\""),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        join_headers(&mut headers);
        assert_eq!((headers.len(), &headers["vary"]), (4, &HeaderValue::from_static("origin, accept")));
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }
}
