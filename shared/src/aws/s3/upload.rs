//! Multipart uploads: parts are written concurrently, and the object exists when the upload is completed.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};

use super::{Bucket, is_there, large_transfer, unavailable};
use crate::error::Unavailable;

/// The limit of S3 for one object.
pub const MAX_PARTS: u64 = 10_000;

/// An unfinished upload. If it is dropped, its parts stay until [`Upload::abort`] or the lifecycle of the bucket deletes them.
pub struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    id: String,
}

impl Bucket {
    /// Begins an upload.
    pub async fn upload(&self, key: &str) -> Result<Upload<'_>, Unavailable> {
        let create = self.client().await.create_multipart_upload().bucket(&self.name).key(key);
        let create = create.set_server_side_encryption(self.encryption()).set_ssekms_key_id(self.key.clone());
        let created =
            create.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.map_err(unavailable)?;
        let id = created.upload_id.unwrap_or_default();
        Ok(Upload { bucket: self, key: key.to_owned(), id })
    }
}

impl Upload<'_> {
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Writes part `number`, starting at 1. All parts except the last must have at least 5 MiB.
    pub async fn part(&self, number: i32, bytes: Vec<u8>) -> Result<CompletedPart, Unavailable> {
        let part = self.bucket.client().await.upload_part().bucket(&self.bucket.name).key(&self.key);
        let part = part.upload_id(&self.id).part_number(number).body(ByteStream::from(bytes));
        let part =
            part.checksum_algorithm(ChecksumAlgorithm::Crc32).customize().config_override(large_transfer());
        // The signature covers the CRC, which S3 checks. Signing the payload would cost another pass over all bytes (SHA-256).
        let sent = part.disable_payload_signing().send().await.map_err(unavailable)?;
        let done = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        Ok(done.set_checksum_crc32(sent.checksum_crc32).build())
    }

    /// Creates the object from `parts`. Never writes over an object: one that is there counts as written by an earlier attempt whose
    /// response was lost, and the caller compares its size.
    pub async fn complete(&self, mut parts: Vec<CompletedPart>) -> Result<(), Unavailable> {
        parts.sort_by_key(|part| part.part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.bucket.client().await.complete_multipart_upload().bucket(&self.bucket.name);
        let complete = complete.key(&self.key).upload_id(&self.id).multipart_upload(parts).if_none_match("*");
        match complete.customize().config_override(large_transfer()).send().await {
            Ok(_) => Ok(()),
            Err(error) if is_there(&error) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Deletes the parts.
    pub async fn abort(&self) -> Result<(), Unavailable> {
        let abort = self.bucket.client().await.abort_multipart_upload().bucket(&self.bucket.name);
        abort.key(&self.key).upload_id(&self.id).send().await.map(drop).map_err(unavailable)
    }
}
