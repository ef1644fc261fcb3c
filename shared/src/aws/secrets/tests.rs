//! Secrets with a stand-in for Secrets Manager that is slow, unavailable, or says nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_secretsmanager::config::{
    BehaviorVersion, Credentials as AwsCredentials, Region, timeout::TimeoutConfig,
};
use chrono::TimeDelta;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::*;
use crate::{domain::clock::FrozenClock, error::is_outage};

const MAX_AGE: Duration = Duration::from_hours(1);
const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/auth-AbCdEf";

/// How Secrets Manager answers.
#[derive(Clone, Copy)]
enum Answers {
    After(Duration),
    Error,
}

/// A stand-in whose secret has the number of the read as its value.
struct Manager {
    answers: Mutex<Answers>,
    reads: AtomicUsize,
}

impl Manager {
    fn set(&self, answers: Answers) {
        *self.answers.lock().expect("a lock") = answers;
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn answer(&self, mut client: TcpStream) {
        let mut request = vec![0; 1 << 16];
        while client.read(&mut request).await.is_ok_and(|length| length > 0) {
            let number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
            let answers = *self.answers.lock().expect("a lock");
            let (status, body) = match answers {
                Answers::After(delay) => {
                    sleep(delay).await;
                    ("200 OK", format!(r#"{{"ARN":"{ARN}","Name":"a","SecretString":"{number}"}}"#))
                }
                Answers::Error => ("400 Bad Request", r#"{"__type":"InternalServiceError"}"#.to_owned()),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            if client.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Starts a stand-in. Returns it, a reader with a value that is up to date, and the reader's clock.
async fn start() -> (Arc<Manager>, Secrets, FrozenClock) {
    let manager =
        Arc::new(Manager { answers: Mutex::new(Answers::After(Duration::ZERO)), reads: AtomicUsize::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answering = Arc::clone(&manager);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let answering = Arc::clone(&answering);
            tokio::spawn(async move { answering.answer(client).await });
        }
    });
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(AwsCredentials::new("a", "b", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
        .build();
    let clock = FrozenClock::at(DateTime::UNIX_EPOCH);
    let secrets = Secrets::new(MAX_AGE, Arc::new(clock.clone()));
    secrets.0.client.set(Client::from_conf(config)).expect("no client yet");
    assert_eq!(value(&secrets).await.expect("a value"), "1");
    (manager, secrets, clock)
}

async fn value(secrets: &Secrets) -> anyhow::Result<String> {
    Ok(secrets.get(&Setting::read(ARN)).await?.to_string())
}

/// Makes the last read longer ago, for the interval between two reads.
fn make_readable(secrets: &Secrets) {
    secrets.0.slots.lock().expect("a lock")[ARN].state().read_at = None;
}

#[tokio::test]
async fn address_is_its_url_with_the_credentials_in_it() {
    let secrets = Secrets::default();
    let alone = Address::from(Setting::read("redis://:old@cache.example"));
    assert_eq!(&*secrets.resolve(&alone).await.expect("a URL"), "redis://:old@cache.example");
    let setting = Setting::read(r#"{ "password": "new" }"#);
    let both = Address::new(Setting::read("redis://cache.example"), Some(setting));
    for url in [secrets.resolve(&both).await, secrets.resolve_again(&both).await] {
        assert_eq!(&*url.expect("a URL"), "redis://:new@cache.example");
    }
}

#[tokio::test]
async fn slow_read_continues_after_the_request_that_began_it() {
    let (manager, secrets, clock) = start().await;
    manager.set(Answers::After(Duration::from_millis(1_500)));
    clock.advance(TimeDelta::minutes(6));
    make_readable(&secrets);

    let begun = Instant::now();
    assert_eq!(value(&secrets).await.expect("the last value"), "1");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Others do not wait for it.
    let others = Instant::now();
    assert_eq!(value(&secrets).await.expect("the last value"), "1");
    assert!(others.elapsed() < Duration::from_millis(200), "{:?}", others.elapsed());

    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(value(&secrets).await.expect("the new value"), "2");
    assert_eq!(manager.reads(), 2);
}

#[tokio::test]
async fn read_of_a_dropped_request_continues() {
    let (manager, secrets, clock) = start().await;
    manager.set(Answers::After(Duration::from_millis(200)));
    clock.advance(TimeDelta::minutes(6));
    make_readable(&secrets);
    timeout(Duration::from_millis(20), value(&secrets)).await.expect_err("the read takes longer");
    sleep(Duration::from_millis(400)).await;
    assert_eq!(value(&secrets).await.expect("the new value"), "2");
}

#[tokio::test]
async fn value_is_used_up_to_the_maximum_age_and_then_waits_for_a_slow_read() {
    let (manager, secrets, clock) = start().await;
    manager.set(Answers::Error);
    clock.advance(TimeDelta::minutes(59));
    make_readable(&secrets);
    assert_eq!(value(&secrets).await.expect("the last value"), "1");

    manager.set(Answers::After(Duration::from_millis(1_500)));
    clock.advance(TimeDelta::minutes(1));
    let begun = Instant::now();
    let new: usize = value(&secrets).await.expect("a new value").parse().expect("a number");
    assert!(new > 1 && begun.elapsed() >= Duration::from_millis(1_500), "{new} {:?}", begun.elapsed());
}

#[tokio::test]
async fn too_old_value_is_refused_without_secrets_manager_until_it_recovers() {
    let (manager, secrets, clock) = start().await;
    manager.set(Answers::Error);
    clock.advance(TimeDelta::hours(1));
    for _ in 0..2 {
        let error = value(&secrets).await.expect_err("too old");
        assert!(is_outage(&error), "{error:#}");
        assert!(format!("{error:#}").contains("3600 s ago, which is too old"), "{error:#}");
    }
    manager.set(Answers::After(Duration::ZERO));
    assert_eq!(value(&secrets).await.expect("a new value"), manager.reads().to_string());
}

#[tokio::test]
async fn read_that_an_earlier_request_began_and_lambda_froze_is_repeated() {
    let (manager, secrets, clock) = start().await;
    // No answer before the call's own deadline.
    manager.set(Answers::After(Duration::from_mins(1)));
    clock.advance(TimeDelta::minutes(6));
    make_readable(&secrets);
    assert_eq!(value(&secrets).await.expect("the last value"), "1");
    manager.set(Answers::After(Duration::ZERO));
    clock.advance(TimeDelta::hours(2));
    assert_eq!(value(&secrets).await.expect("a new value"), "3");
}

#[tokio::test]
async fn read_that_lambda_froze_before_its_answer_is_repeated() {
    let (manager, secrets, clock) = start().await;
    manager.set(Answers::After(Duration::from_millis(300)));
    clock.advance(TimeDelta::minutes(6));
    make_readable(&secrets);
    timeout(Duration::from_millis(20), value(&secrets)).await.expect_err("the read takes longer");
    // The answer of that read, 2, is as old as its beginning.
    clock.advance(TimeDelta::hours(2));
    assert_eq!(value(&secrets).await.expect("a new value"), "3");
}
