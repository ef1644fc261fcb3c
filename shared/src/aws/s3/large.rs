//! Objects of some megabytes: read from the beginning to the end without keeping them in memory, and written at once.

use aws_sdk_s3::{operation::head_object::HeadObjectError, primitives::ByteStream, types::ChecksumMode};
use bytes::Bytes;

use super::{Bucket, large_transfer, unavailable};
use crate::error::Unavailable;

/// An object that is being read.
pub struct ObjectReader {
    /// In bytes.
    pub size: u64,
    pub content_type: Option<String>,
    /// The SHA-256 that S3 computed when the object was written, in base64. `None` if it was written without.
    pub sha256: Option<String>,
    body: ByteStream,
}

impl Bucket {
    /// Begins to read a version of an object, or the current one; `None` if it does not exist.
    ///
    /// Without the permission `s3:ListBucket` S3 answers 403 for an object that does not exist, which is an error here.
    pub async fn reader(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectReader>, Unavailable> {
        let version = version.map(str::to_owned);
        let head = self.client().await.head_object().bucket(&self.name).key(key);
        // The checksum of the object comes from here: the response of a read with it would make the SDK compute it again.
        let head = head.set_version_id(version.clone()).checksum_mode(ChecksumMode::Enabled);
        let head = match head.send().await {
            Ok(head) => head,
            // 405: a delete marker.
            Err(error)
                if error.as_service_error().is_some_and(HeadObjectError::is_not_found)
                    || error.raw_response().is_some_and(|raw| raw.status().as_u16() == 405) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let get = self.client().await.get_object().bucket(&self.name).key(key).set_version_id(version);
        let get = get.set_if_match(head.e_tag().map(str::to_owned));
        let got = get.customize().config_override(large_transfer()).send().await.map_err(unavailable)?;
        Ok(Some(ObjectReader {
            size: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or_default(),
            content_type: head.content_type().map(str::to_owned),
            sha256: head.checksum_sha256().map(str::to_owned),
            body: got.body,
        }))
    }

    /// Writes an object. Replaces one that is already there.
    pub async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), Unavailable> {
        let put = self.client().await.put_object().bucket(&self.name).key(key).body(body.into());
        let put = put.set_server_side_encryption(self.encryption()).set_ssekms_key_id(self.key.clone());
        put.customize().config_override(large_transfer()).send().await.map(drop).map_err(unavailable)
    }
}

impl ObjectReader {
    /// Returns the next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Unavailable> {
        self.body.try_next().await.map_err(|error| Unavailable::new("s3", error))
    }
}
