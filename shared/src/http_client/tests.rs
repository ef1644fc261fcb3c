//! The client against a server that writes bytes as each test wants.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep},
};

use super::*;

/// Serves one connection: reads the head of a request, writes `response`, and keeps the connection open for a minute. Returns the URL,
/// and the head when it was read.
pub(super) async fn serve(response: &'static str) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/v1/", listener.local_addr().expect("an address"));
    let head = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = vec![0; 64 * 1024];
        let length = stream.read(&mut head).await.expect("a request");
        stream.write_all(response.as_bytes()).await.expect("written");
        tokio::spawn(async move {
            sleep(Duration::from_mins(1)).await;
            drop(stream);
        });
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    (url.parse().expect("a URL"), head)
}

async fn get(url: &Url, time: Duration, max_bytes: usize) -> Result<(u16, Vec<u8>), HttpError> {
    let request = Request {
        method: "GET",
        url,
        headers: &[],
        body: Vec::new(),
        deadline: Deadline::after(time),
        max_bytes,
    };
    let response = HttpClient::new(Environment::Test).send(request).await?;
    Ok((response.status(), response.bytes().await?))
}

const SECONDS: Duration = Duration::from_secs(5);

#[tokio::test]
async fn response_is_read_to_its_end() {
    let (url, head) = serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    let (status, body) = get(&url, SECONDS, 5).await.expect("a response");
    assert_eq!((status, body.as_slice()), (200, b"hello".as_slice()));
    let head = head.await.expect("a request").to_lowercase();
    assert!(head.starts_with("get /v1/ http/1.1\r\n"), "{head}");
    assert!(head.contains("user-agent: arches/") && head.contains("content-length: 0\r\n"), "{head}");
}

#[tokio::test]
async fn larger_response_than_allowed_is_an_error() {
    let (url, _) = serve("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(matches!(get(&url, SECONDS, 4).await, Err(HttpError::TooLarge(4))));
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let response = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (url, _) = serve(response).await;
    assert_eq!(get(&url, SECONDS, 10).await.expect("a response").0, 302);
}

#[tokio::test]
async fn server_that_never_answers_costs_no_more_than_the_deadline() {
    let (url, _) = serve("").await;
    let begin = Instant::now();
    let error = get(&url, Duration::from_millis(100), 10).await.expect_err("no response");
    assert!(matches!(error, HttpError::Unavailable(_)), "{error}");
    assert!(begin.elapsed() < SECONDS);
}

#[tokio::test]
async fn body_that_stops_costs_no_more_than_the_deadline() {
    let (url, _) = serve("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").await;
    let begin = Instant::now();
    let error = get(&url, Duration::from_millis(100), 100).await.expect_err("half a body");
    assert!(matches!(error, HttpError::Unavailable(_)), "{error}");
    assert!(begin.elapsed() < SECONDS);
}

#[tokio::test]
async fn closed_port_is_unavailable() {
    let url = "http://127.0.0.1:1/".parse().expect("a URL");
    assert!(matches!(get(&url, SECONDS, 10).await, Err(HttpError::Unavailable(_))));
}

#[test]
fn only_encrypted_connections_leave_the_machine() {
    let refused =
        |environment, url: &str| HttpClient::new(environment).check(&url.parse().expect("a URL")).is_err();
    for environment in [Environment::Development, Environment::Test] {
        for url in ["http://127.0.0.1:9007/v1", "http://[::1]/", "http://localhost:1", "https://example.com"]
        {
            assert!(!refused(environment, url), "{url}");
        }
        for url in
            ["http://example.com", "http://localhost.example.com", "http://192.0.2.1", "ftp://localhost"]
        {
            assert!(refused(environment, url), "{url}");
        }
    }
    for environment in [Environment::Staging, Environment::Production] {
        assert!(refused(environment, "http://127.0.0.1:9007/v1"));
        assert!(!refused(environment, "https://example.com/v1"));
    }
    assert!(refused(Environment::Production, "https://user:password@example.com"));
}

#[tokio::test]
async fn header_value_with_a_line_break_is_not_sent() {
    let url = "https://example.com".parse().expect("a URL");
    let headers = [("authorization", "Bearer secret\r\nx: y")];
    let request = Request {
        method: "GET",
        url: &url,
        headers: &headers,
        body: Vec::new(),
        deadline: Deadline::after(SECONDS),
        max_bytes: 1,
    };
    let error = HttpClient::new(Environment::Production).send(request).await.expect_err("refused");
    assert_eq!(error.to_string(), "request not sent: the value of authorization is not valid");
}
