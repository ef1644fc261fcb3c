//! The front before moto's S3 refuses what S3 refuses.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::{Client, presigning::PresigningConfig};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64;
use harness::{START, StrictS3};
use ring::digest;
use shared::{aws::client, domain::clock::FrozenClock};
use uuid::Uuid;

const CONTENT: &[u8] = b"the announced content";
const TYPE: &str = "text/plain";

struct World {
    s3: StrictS3,
    client: Client,
    clock: FrozenClock,
    bucket: String,
}

/// A presigned upload of [`CONTENT`].
struct Upload {
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl World {
    async fn new() -> Self {
        let start: DateTime<Utc> = START.parse().expect("a time");
        let clock = FrozenClock::at(start);
        let client = Client::new(client::config().await);
        let bucket = format!("strict-{}", Uuid::new_v4().simple());
        client.create_bucket().bucket(&bucket).send().await.expect("a bucket");
        Self { s3: StrictS3::start(Arc::new(clock.clone())).await, client, clock, bucket }
    }

    fn config() -> PresigningConfig {
        let start: DateTime<Utc> = START.parse().expect("a time");
        let config = PresigningConfig::builder().start_time(start.into());
        config.expires_in(Duration::from_mins(15)).build().expect("a configuration")
    }

    async fn upload(&self) -> Upload {
        let length = i64::try_from(CONTENT.len()).expect("a length");
        let checksum = checksum(CONTENT);
        let put = self.client.put_object().bucket(&self.bucket).key("uploads/a b/1").content_length(length);
        let put = put.content_type(TYPE).if_none_match("*").customize().mutate_request({
            let checksum = checksum.clone();
            move |request| {
                request.headers_mut().insert("x-amz-checksum-sha256", checksum.clone());
            }
        });
        let signed = put.presigned(Self::config()).await.expect("a URL");
        for header in ["content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"] {
            assert!(signed.uri().contains(header), "{header} is signed in {}", signed.uri());
        }
        let headers = vec![
            ("content-type", TYPE.to_owned()),
            ("if-none-match", "*".to_owned()),
            ("x-amz-checksum-sha256", checksum),
        ];
        Upload { url: signed.uri().to_owned(), headers }
    }

    async fn put(&self, upload: &Upload, body: &[u8]) -> (u16, String) {
        let headers: Vec<_> = upload.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, body) = self.s3.send("PUT", &upload.url, &headers, body).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn is_stored(&self) -> bool {
        self.client.head_object().bucket(&self.bucket).key("uploads/a b/1").send().await.is_ok()
    }
}

impl Upload {
    /// Replaces a header.
    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }
}

fn checksum(content: &[u8]) -> String {
    BASE64.encode(digest::digest(&digest::SHA256, content).as_ref())
}

#[tokio::test]
async fn announced_content_is_stored_once() {
    let world = World::new().await;
    let upload = world.upload().await;
    assert_eq!(world.put(&upload, CONTENT).await.0, 200);
    let stored =
        world.client.get_object().bucket(&world.bucket).key("uploads/a b/1").send().await.expect("an object");
    assert_eq!(stored.content_type(), Some(TYPE));
    assert_eq!(stored.body.collect().await.expect("a body").to_vec(), CONTENT);
    let (status, body) = world.put(&upload, CONTENT).await;
    assert!(status == 412 && body.contains("PreconditionFailed"), "{status} {body}");
}

#[tokio::test]
async fn anything_else_than_announced_is_refused() {
    let world = World::new().await;
    let other = b"another content here!";
    assert_eq!(other.len(), CONTENT.len());
    let new = || world.upload();
    for (upload, body, code) in [
        (new().await, CONTENT.split_last().expect("bytes").1, "SignatureDoesNotMatch"),
        (new().await.header("content-type", "text/html"), CONTENT, "SignatureDoesNotMatch"),
        (new().await.header("x-amz-checksum-sha256", &checksum(other)), other, "SignatureDoesNotMatch"),
        (new().await, other, "BadDigest"),
        (new().await.without("x-amz-checksum-sha256"), CONTENT, "AccessDenied"),
        (new().await.without("if-none-match"), CONTENT, "AccessDenied"),
        (new().await.header("x-amz-acl", "public-read"), CONTENT, "AccessDenied"),
    ] {
        let (status, answer) = world.put(&upload, body).await;
        assert!(answer.contains(code), "{:?}: {status} {answer}", upload.headers);
        assert!(!world.is_stored().await);
    }
}

#[tokio::test]
async fn url_is_good_for_one_key_and_one_method() {
    let world = World::new().await;
    let upload = world.upload().await;
    let moved = Upload { url: upload.url.replace("/1?", "/2?"), headers: upload.headers.clone() };
    assert_eq!(world.put(&moved, CONTENT).await.0, 403);
    let headers: Vec<_> = upload.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.s3.send("DELETE", &upload.url, &headers, CONTENT).await.0, 403);
    let unsigned = upload.url.split('?').next().expect("a path");
    assert_eq!(world.s3.send("GET", unsigned, &[], &[]).await.0, 403);
}

#[tokio::test]
async fn expired_url_is_refused() {
    let world = World::new().await;
    let upload = world.upload().await;
    world.clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(1));
    assert_eq!(world.put(&upload, CONTENT).await.0, 403);
    let longer = Upload {
        url: upload.url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000"),
        headers: upload.headers,
    };
    assert_eq!(world.put(&longer, CONTENT).await.0, 403);
    assert!(!world.is_stored().await);
}

#[tokio::test]
async fn download_by_a_presigned_url() {
    let world = World::new().await;
    assert_eq!(world.put(&world.upload().await, CONTENT).await.0, 200);
    let get = world.client.get_object().bucket(&world.bucket).key("uploads/a b/1");
    let signed =
        get.response_content_disposition("attachment").presigned(World::config()).await.expect("a URL");
    assert_eq!(world.s3.send("GET", signed.uri(), &[], &[]).await, (200, CONTENT.to_vec()));
    let inline = signed.uri().replace("attachment", "inline");
    assert_eq!(world.s3.send("GET", &inline, &[], &[]).await.0, 403);
}
