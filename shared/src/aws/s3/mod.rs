//! Object storage in Amazon S3.

mod large;
mod presign;
mod upload;
mod versions;

use std::{ops::Range, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{ResponseChecksumValidation, timeout::TimeoutConfig},
    error::SdkError,
    operation::{get_object::GetObjectError, head_object::HeadObjectError},
    primitives::{AggregatedBytes, ByteStream},
    types::{ChecksumAlgorithm, ServerSideEncryption},
};
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use tokio::sync::OnceCell;

use super::client;
use crate::error::Unavailable;

pub use aws_sdk_s3::types::CompletedPart;
pub use large::ObjectReader;
pub use presign::{Content, Download, SignedRequest, Validity};
pub use upload::{MAX_PARTS, Upload};
pub use versions::Version;

/// A bucket. Connects at first use. Every call has a timeout.
pub struct Bucket {
    name: String,
    /// The KMS key for new objects; `None` for the default of the bucket.
    key: Option<String>,
    client: OnceCell<Client>,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// By the clock of S3.
    pub modified: Option<DateTime<Utc>>,
}

/// A version of an object, read in pieces. Another version is never read through it.
#[derive(Debug, Clone)]
pub struct Source {
    /// In bytes.
    pub size: u64,
    key: String,
    /// `None` in a bucket without versions.
    version: Option<String>,
    etag: String,
}

impl Bucket {
    /// Creates the client of the bucket `name`. New objects are encrypted with `key`, unless it is empty.
    #[must_use]
    pub fn new(name: &str, key: &str) -> Self {
        let key = Some(key.to_owned()).filter(|key| !key.is_empty());
        Self { name: name.to_owned(), key, client: OnceCell::new() }
    }

    /// Writes a small object. `key` must be unique: an object that is already there counts as written.
    pub async fn put_new(&self, key: &str, body: Vec<u8>) -> Result<(), Unavailable> {
        let put = self.client().await.put_object().bucket(&self.name).key(key).body(body.into());
        let put = put.if_none_match("*").set_server_side_encryption(self.encryption());
        match put.set_ssekms_key_id(self.key.clone()).send().await {
            Ok(_) => Ok(()),
            // It is there: written by an earlier attempt whose response was lost.
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Writes a small object with this content, which S3 compares with the checksum. `key` must be unique, as in [`Self::put_new`].
    pub async fn put_content(
        &self,
        key: &str,
        body: Vec<u8>,
        content: &Content<'_>,
    ) -> Result<(), Unavailable> {
        let put = self.client().await.put_object().bucket(&self.name).key(key).body(body.into());
        let put = put.content_type(content.media_type).checksum_sha256(BASE64.encode(content.sha256));
        // S3 knows it from the value; the stand-in for S3 does not.
        let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256);
        match put.if_none_match("*").set_server_side_encryption(self.encryption()).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Returns the content of a small object; `None` if it does not exist.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let got = self.client().await.get_object().bucket(&self.name).key(key).send().await;
        match got {
            Ok(object) => Ok(Some(collect(object.body).await?.to_vec())),
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Opens a version of an object, or the current one, for reading in pieces; `None` if it does not exist.
    pub async fn open(&self, key: &str, version: Option<&str>) -> Result<Option<Source>, Unavailable> {
        let head = self.client().await.head_object().bucket(&self.name).key(key);
        match head.set_version_id(version.map(str::to_owned)).send().await {
            Ok(head) => Ok(Some(Source {
                size: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or_default(),
                key: key.to_owned(),
                version: head.version_id().map(str::to_owned),
                etag: head.e_tag().unwrap_or_default().to_owned(),
            })),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Reads some bytes of `source`.
    pub async fn read(&self, source: &Source, bytes: Range<u64>) -> Result<Vec<u8>, Unavailable> {
        let range = format!("bytes={}-{}", bytes.start, bytes.end.saturating_sub(1));
        let get = self.client().await.get_object().bucket(&self.name).key(&source.key).range(range);
        let get = get.set_version_id(source.version.clone());
        let got = get.if_match(&source.etag).customize().config_override(large_transfer()).send().await;
        Ok(collect(got.map_err(unavailable)?.body).await?.to_vec())
    }

    /// Lists the objects whose keys begin with `prefix` and sort after `after`, in the order of their keys.
    pub async fn list(&self, prefix: &str, after: &str) -> Result<Vec<Object>, Unavailable> {
        let list = self.client().await.list_objects_v2().bucket(&self.name).prefix(prefix);
        let mut pages = list.start_after(after).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page.map_err(unavailable)?.contents.unwrap_or_default() {
                let modified = object
                    .last_modified
                    .and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()));
                objects.push(Object {
                    key: object.key.unwrap_or_default(),
                    size: object.size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
                    modified,
                });
            }
        }
        Ok(objects)
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.key.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| async { Client::new(client::config().await) }).await
    }
}

/// Returns the configuration of calls that transfer megabytes: longer timeouts, and no checksum of a response (a caller that reads
/// in pieces compares a checksum of the whole object).
fn large_transfer() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_mins(1));
    aws_sdk_s3::Config::builder()
        .timeout_config(timeouts.build())
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

/// Checks whether `error` says that an object with this key exists (412).
fn is_there<E>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|raw| raw.status().as_u16() == 412)
}

async fn collect(body: ByteStream) -> Result<AggregatedBytes, Unavailable> {
    body.collect().await.map_err(|error| Unavailable::new("s3", error))
}

fn unavailable<E, R>(error: SdkError<E, R>) -> Unavailable
where
    E: std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    Unavailable::new("s3", error)
}
