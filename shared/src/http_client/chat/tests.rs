//! The client against a server that writes bytes as each test wants.

mod recorded;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use super::*;
use crate::{config::Environment, domain::prompt::PromptRole};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const SILENCE: Duration = Duration::from_millis(300);

/// What a server does with a connection.
#[derive(Clone)]
enum Step {
    Write(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open.
    Hang,
}

/// A server with one script for each connection. Then it refuses connections.
struct Server {
    url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(play(stream, script, Arc::clone(&seen)));
            }
        });
        Self { url: url.parse().expect("a URL"), requests }
    }

    fn models(&self) -> ChatModels {
        ChatModels {
            http: HttpClient::new(Environment::Test),
            secrets: Secrets::default(),
            breaker: Breaker::new("chat-model", None),
            url: endpoint(&self.url, "chat/completions"),
            api_key: Setting::Plain("a key".into()),
            silence: SILENCE,
        }
    }

    /// Returns the body of the last request.
    async fn body(&self) -> Value {
        let requests = self.requests.lock().await;
        let (_, body) =
            requests.last().expect("a request").split_once("\r\n\r\n").expect("a head and a body");
        serde_json::from_str(body).expect("JSON")
    }
}

async fn play(mut stream: TcpStream, script: Vec<Step>, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = vec![0; 64 * 1024];
    let mut length = 0;
    // The body ends with the object `stream_options`.
    while !request[..length].ends_with(b"}}") {
        let read = stream.read(&mut request[length..]).await.expect("a request");
        assert!(read > 0, "the request ended early");
        length += read;
    }
    seen.lock().await.push(String::from_utf8_lossy(&request[..length]).into_owned());
    for step in script {
        match step {
            Step::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Wait(time) => sleep(time).await,
            Step::Hang => sleep(Duration::from_mins(1)).await,
        }
    }
}

fn write(text: &str) -> Step {
    Step::Write(text.as_bytes().to_vec())
}

fn status(line: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![write(&format!("HTTP/1.1 {line}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))]
}

fn token(text: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] })
    )
}

fn end(reason: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }))
}

const USAGE: &str = "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 2, \"total_tokens\": 9}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// What came of a question.
#[derive(Debug)]
struct Got {
    text: String,
    end: Result<Finish, ChatError>,
    usage: Option<TokenCounts>,
}

async fn ask(models: &ChatModels) -> Result<ChatStream, ChatError> {
    let messages = [PromptMessage { role: PromptRole::User, content: "How long?".to_owned() }];
    let request = ChatRequest { model: "a-model", messages: &messages, max_tokens: 50 };
    let permit = models.admit().await.expect("a closed breaker");
    models.ask(permit, &request, Deadline::after(Duration::from_secs(5))).await
}

async fn read(models: &ChatModels) -> Result<Got, ChatError> {
    let mut stream = ask(models).await?;
    let mut text = String::new();
    let end = loop {
        match stream.next().await {
            Ok(Some(piece)) => text.push_str(&piece),
            Ok(None) => break Ok(stream.finish()),
            Err(error) => break Err(error),
        }
    };
    Ok(Got { text, end, usage: stream.usage() })
}

/// Returns what comes of a stream with these events.
async fn answer(events: &[&str]) -> Got {
    let script = [STREAM].iter().chain(events).map(|text| write(text)).collect();
    let server = Server::start(vec![script]).await;
    read(&server.models()).await.expect("an accepted question")
}

#[tokio::test]
async fn answer_is_read_to_its_end() {
    let got = answer(&[&token("Hello, "), &token("größer 😀"), &end("stop"), USAGE, DONE]).await;
    assert_eq!(got.text, "Hello, größer 😀");
    assert_eq!(got.end.expect("an end"), Finish::Stop);
    assert_eq!(got.usage, Some(TokenCounts { prompt: 7, completion: 2 }));
}

#[tokio::test]
async fn bytes_may_be_cut_anywhere() {
    let stream =
        [": hello\r\n\r\n", &token("größer 😀").replace('\n', "\r\n"), &end("length"), USAGE, DONE].concat();
    for size in [1, 2, 3, 7, 61] {
        let pieces = stream
            .as_bytes()
            .chunks(size)
            .flat_map(|piece| [Step::Write(piece.to_vec()), Step::Wait(Duration::from_micros(100))]);
        let server = Server::start(vec![std::iter::once(write(STREAM)).chain(pieces).collect()]).await;
        let got = read(&server.models()).await.expect("an accepted question");
        assert_eq!((got.text.as_str(), got.end.expect("an end")), ("größer 😀", Finish::Length), "{size}");
        assert!(got.usage.is_some(), "{size}");
    }
}

#[tokio::test]
async fn request_has_the_wire_format_of_openai() {
    let script = vec![write(STREAM), write(&end("stop")), write(DONE)];
    let server = Server::start(vec![script]).await;
    read(&server.models()).await.expect("an accepted question");
    let expected = json!({
        "model": "a-model", "messages": [{ "role": "user", "content": "How long?" }], "max_tokens": 50, "stream": true,
        "stream_options": { "include_usage": true }
    });
    assert_eq!(server.body().await, expected);
    let requests = server.requests.lock().await;
    let head = requests[0].to_lowercase();
    assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer a key\r\n"), "{head}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
}

#[test]
fn openai_has_another_name_for_the_limit() {
    let request = ChatRequest { model: "m", messages: &[], max_tokens: 9 };
    let body = json!(Body::new(&request, true));
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(9), None));
    for (url, expected) in [
        ("https://api.openai.com/v1", true),
        ("https://eu.api.openai.com/v1", true),
        ("https://example.openai.azure.com/openai/v1", true),
        ("https://notapi.openai.com/v1", false),
        ("https://api.openai.com.example.com/v1", false),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", false),
        ("http://127.0.0.1:8000/v1", false),
    ] {
        assert_eq!(wants_new_name(&url.parse().expect("a URL")), expected, "{url}");
    }
}

#[tokio::test]
async fn servers_may_add_and_omit_members() {
    for (events, text, finish, usage) in [
        // No `[DONE]`, no usage.
        (vec![token("a"), end("stop")], "a", Finish::Stop, None),
        // No empty line at the end.
        (vec![token("a"), end("stop"), "data: [DONE]".to_owned()], "a", Finish::Stop, None),
        (vec![token("a"), end("stop").trim_end().to_owned()], "a", Finish::Stop, None),
        // `[DONE]` without a reason.
        (vec![token("a"), DONE.to_owned()], "a", Finish::Stop, None),
        // Text and reason in the last event, without the empty line.
        (vec![token("a"), token("b").replace("null", "\"stop\"").trim_end().to_owned()], "ab", Finish::Stop, None),
        // Null and empty members, other choices, reasoning, unknown members.
        (
            vec![
                "data: {\"choices\": null, \"usage\": null, \"error\": null}\n\n".to_owned(),
                "data: {}\n\n".to_owned(),
                "data:\n\n".to_owned(),
                "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"hm\"},\"finish_reason\":\"\"}]}\n\n".to_owned(),
                "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}],\"x\":[1]}\n\n".to_owned(),
                "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".to_owned(),
                "data: {\"choices\":[{\"delta\":null,\"finish_reason\":\"max_tokens\"}]}\n\n".to_owned(),
                DONE.to_owned(),
            ],
            "a",
            Finish::Length,
            None,
        ),
        // Only the sum.
        (
            vec![token("a"), end("stop"), "data: {\"usage\": {\"prompt_tokens\": 7, \"total_tokens\": 9}}\n\n".to_owned()],
            "a",
            Finish::Stop,
            Some(TokenCounts { prompt: 7, completion: 2 }),
        ),
        // Content in parts: thoughts are left out.
        (
            vec![
                "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]}]}}]}\n\n".to_owned(),
                "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}]}\n\n".to_owned(),
                end("stop"),
            ],
            "a",
            Finish::Stop,
            None,
        ),
        // Usage with each event: the last one counts. Impossible counts do not.
        (
            vec![
                token("a").replacen('{', "{\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1},", 1),
                end("content_filter").replacen('{', "{\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3},", 1),
                "data: {\"usage\": {\"prompt_tokens\": -1, \"completion_tokens\": 18446744073709551615}}\n\n".to_owned(),
                "data: {\"usage\": {\"prompt_tokens\": 0, \"completion_tokens\": 0}}\n\n".to_owned(),
                "data: {\"usage\": {\"prompt_tokens\": 7}}\n\n".to_owned(),
                "data: {\"usage\": {\"prompt_tokens\": 7, \"total_tokens\": 6}}\n\n".to_owned(),
                "data: {\"usage\": {\"prompt_tokens\": 7.5, \"completion_tokens\": \"9\"}}\n\n".to_owned(),
                DONE.to_owned(),
            ],
            "a",
            Finish::Filtered,
            Some(TokenCounts { prompt: 7, completion: 3 }),
        ),
    ] {
        let events: Vec<_> = events.iter().map(String::as_str).collect();
        let got = answer(&events).await;
        assert_eq!((got.text.as_str(), got.usage), (text, usage), "{events:?}");
        assert_eq!(got.end.expect("an end"), finish, "{events:?}");
    }
}

#[tokio::test]
async fn server_that_does_not_stream_is_understood() {
    let body = json!({
        "object": "chat.completion",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "All\nat once" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 4, "completion_tokens": 3 }
    });
    let body = serde_json::to_string_pretty(&body).expect("JSON");
    let server = Server::start(vec![status("200 OK", "Content-Type: application/json\r\n", &body)]).await;
    let got = read(&server.models()).await.expect("an accepted question");
    assert_eq!((got.text.as_str(), got.end.expect("an end")), ("All\nat once", Finish::Stop));
    assert_eq!(got.usage, Some(TokenCounts { prompt: 4, completion: 3 }));
}

#[tokio::test]
async fn broken_streams_keep_what_was_written() {
    let error = "data: {\"error\": {\"message\": \"a secret\", \"code\": \"overloaded\"}}\n\n";
    for (event, expected) in [
        ("", "answer cut"),
        (error, "model unavailable"),
        (
            "data: {\"choices\": [{\"delta\": {\"conte\n\n",
            "invalid answer of the model: Eof error of JSON at byte 30",
        ),
        (
            "data: {\"choices\": [{\"delta\": \"a secret\"}]}\n\n",
            "invalid answer of the model: Data error of JSON at byte 33",
        ),
        ("data: [[\"a secret\"]]\n\n", "invalid answer of the model: an event is not a JSON object"),
        ("data: <html>\n\n", "invalid answer of the model: an event is not a JSON object"),
        (
            "data: {\"choices\": [{\"delta\": {\"content\": 5}}]}\n\n",
            "invalid answer of the model: Data error of JSON at byte 36",
        ),
        ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n", "model unavailable"),
    ] {
        let got = answer(&[&token("Hello"), event]).await;
        let error = got.end.expect_err(event);
        assert_eq!((got.text.as_str(), error.to_string().as_str()), ("Hello", expected));
    }
}

#[tokio::test]
async fn silence_ends_the_answer() {
    for steps in [
        vec![Step::Hang],
        vec![write(STREAM), Step::Hang],
        vec![write(STREAM), write(&token("a")), Step::Hang],
    ] {
        let server = Server::start(vec![steps]).await;
        let begin = Instant::now();
        let error = match read(&server.models()).await {
            Ok(got) => got.end.expect_err("no end"),
            Err(error) => error,
        };
        assert!(matches!(error, ChatError::TimedOut), "{error}");
        assert!(begin.elapsed() >= SILENCE && begin.elapsed() < SILENCE * 4, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn comments_do_not_break_the_silence() {
    let comments = (0..100).flat_map(|_| [write(": ping\n\n"), Step::Wait(SILENCE / 10)]);
    let server = Server::start(vec![std::iter::once(write(STREAM)).chain(comments).collect()]).await;
    let begin = Instant::now();
    let got = read(&server.models()).await.expect("an accepted question");
    assert!(matches!(got.end, Err(ChatError::TimedOut)), "{got:?}");
    assert!(begin.elapsed() < SILENCE * 4);
}

#[tokio::test]
async fn slow_tokens_are_no_silence() {
    let tokens = (0..6).flat_map(|_| [Step::Wait(SILENCE * 2 / 3), write(&token("a"))]);
    let script = std::iter::once(write(STREAM)).chain(tokens).chain([write(&end("stop")), write(DONE)]);
    let server = Server::start(vec![script.collect()]).await;
    let got = read(&server.models()).await.expect("an accepted question");
    assert_eq!((got.text.as_str(), got.end.expect("an end")), ("aaaaaa", Finish::Stop));
}

#[tokio::test]
async fn usage_is_not_waited_for_long() {
    let server =
        Server::start(vec![vec![write(STREAM), write(&token("a")), write(&end("stop")), Step::Hang]]).await;
    let begin = Instant::now();
    let got = read(&server.models()).await.expect("an accepted question");
    assert_eq!((got.text.as_str(), got.end.expect("an end"), got.usage), ("a", Finish::Stop, None));
    assert!(begin.elapsed() < SILENCE * 4);
}

#[tokio::test]
async fn question_is_asked_once_more_before_the_first_token() {
    let good = vec![write(STREAM), write(&token("a")), write(&end("stop")), write(DONE)];
    for first in [
        status("500 Internal Server Error", "", "{}"),
        status("503 Service Unavailable", "", ""),
        status("429 Too Many Requests", "Retry-After: 1\r\n", "{}"),
        // The connection is lost.
        vec![],
    ] {
        let server = Server::start(vec![first, good.clone()]).await;
        let got = read(&server.models()).await.expect("an accepted question");
        assert_eq!((got.text.as_str(), server.requests.lock().await.len()), ("a", 2));
    }
}

#[tokio::test]
async fn second_failure_is_final() {
    let failure = status("500 Internal Server Error", "", "{}");
    let server = Server::start(vec![failure.clone(), failure.clone(), failure]).await;
    assert!(matches!(read(&server.models()).await, Err(ChatError::Unavailable(_))));
    assert_eq!(server.requests.lock().await.len(), 2);
}

#[tokio::test]
async fn question_is_not_asked_again() {
    let rejected = r#"{"error": {"message": "a secret", "code": "context_length_exceeded"}}"#;
    for (script, expected) in [
        (
            status("400 Bad Request", "", rejected),
            "model rejected the request: status 400, context_length_exceeded",
        ),
        (status("404 Not Found", "", "<html>"), "model rejected the request: status 404, no code"),
        (
            status("200 OK", "Content-Type: text/html; charset=utf-8\r\n", "<html>"),
            "invalid answer of the model: the response is a page",
        ),
        (
            status("200 OK", "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n", "..."),
            "invalid answer of the model: the response is compressed",
        ),
        (
            status("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
            "model rejected the request: status 302, no code",
        ),
        (status("429 Too Many Requests", "Retry-After: 60\r\n", "{}"), "model throttled"),
        (vec![Step::Hang], "model timed out"),
    ] {
        let server = Server::start(vec![script.clone(), script]).await;
        let error = read(&server.models()).await.expect_err(expected);
        assert_eq!((error.to_string().as_str(), server.requests.lock().await.len()), (expected, 1));
    }
    // After the first token.
    let cut = vec![write(STREAM), write(&token("a"))];
    let server = Server::start(vec![cut.clone(), cut]).await;
    let got = read(&server.models()).await.expect("an accepted question");
    assert!(matches!(got.end, Err(ChatError::Cut)), "{got:?}");
    assert_eq!(server.requests.lock().await.len(), 1);
}

#[tokio::test]
async fn failures_open_the_breaker_and_refusals_do_not() {
    for (script, opens) in [
        (status("500 Internal Server Error", "", "{}"), true),
        (vec![write(STREAM), write("data: <html>\n\n")], true),
        (vec![write(STREAM)], true),
        (status("429 Too Many Requests", "Retry-After: 60\r\n", "{}"), false),
        (status("400 Bad Request", "", "{}"), false),
    ] {
        let server = Server::start(vec![script; 10]).await;
        let models = server.models();
        for _ in 0..5 {
            _ = read(&models).await;
        }
        assert_eq!(models.admit().await.is_none(), opens);
    }
}

#[tokio::test]
async fn dropped_answer_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address")).parse().expect("a URL");
    let closed = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = vec![0; 64 * 1024];
        assert!(stream.read(&mut request).await.expect("a request") > 0);
        let head = STREAM.replace("Connection: close\r\n", "Transfer-Encoding: chunked\r\n");
        let token = token("a");
        let chunk = format!("{:x}\r\n{token}\r\n", token.len());
        stream.write_all(format!("{head}{chunk}").as_bytes()).await.expect("written");
        while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
    });
    let models = Server { url, requests: Arc::default() }.models();
    let mut stream = ask(&models).await.expect("an accepted question");
    assert_eq!(stream.next().await.expect("a token").as_deref(), Some("a"));
    assert!(!closed.is_finished());
    drop(stream);
    timeout(Duration::from_secs(3), closed).await.expect("closed in time").expect("closed");
}
