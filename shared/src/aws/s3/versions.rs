//! The versions of the objects in a versioned bucket.
//!
//! Writing over an object or deleting it removes nothing: it hides the older versions behind a new one or behind a delete marker.

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectError,
    types::{Delete, DeleteMarkerEntry, ObjectIdentifier, ObjectVersion, Tag, Tagging},
};
use chrono::{DateTime, Utc};

use super::{Bucket, collect, unavailable};
use crate::error::Unavailable;

/// The limit of S3 for one call.
const MAX_DELETIONS: usize = 1_000;

/// A version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub key: String,
    pub id: String,
    /// In bytes.
    pub size: u64,
    /// By the clock of S3.
    pub modified: Option<DateTime<Utc>>,
    /// Whether a read without a version finds it.
    pub is_current: bool,
    pub is_delete_marker: bool,
}

impl Bucket {
    /// Lists all versions of the objects whose keys begin with `prefix`: by key, the newest version first.
    pub async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Unavailable> {
        let (mut versions, mut key_marker, mut version_marker) = (Vec::new(), None, None);
        loop {
            let list = self.client().await.list_object_versions().bucket(&self.name).prefix(prefix);
            let list = list.set_key_marker(key_marker).set_version_id_marker(version_marker);
            let page = list.send().await.map_err(unavailable)?;
            versions.extend(page.versions.unwrap_or_default().into_iter().map(Version::from));
            versions.extend(page.delete_markers.unwrap_or_default().into_iter().map(Version::from));
            if page.is_truncated != Some(true) {
                break;
            }
            (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
        // Stable: the times have seconds, and S3 lists the versions of a key from the newest to the oldest.
        versions.sort_by(|a, b| {
            (&a.key, !a.is_current).cmp(&(&b.key, !b.is_current)).then(b.modified.cmp(&a.modified))
        });
        Ok(versions)
    }

    /// Returns the content of a version of a small object; `None` if it does not exist.
    pub async fn get_version(&self, key: &str, version: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let get = self.client().await.get_object().bucket(&self.name).key(key).version_id(version);
        match get.send().await {
            Ok(object) => Ok(Some(collect(object.body).await?.to_vec())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Deletes versions and delete markers for good. One that does not exist counts as deleted.
    pub async fn delete_versions(&self, versions: &[Version]) -> Result<(), Unavailable> {
        for versions in versions.chunks(MAX_DELETIONS) {
            let identifiers = versions
                .iter()
                .map(|version| ObjectIdentifier::builder().key(&version.key).version_id(&version.id).build());
            let identifiers: Result<_, _> = identifiers.collect();
            let delete =
                identifiers.and_then(|all| Delete::builder().set_objects(Some(all)).quiet(true).build());
            let delete = delete.map_err(|error| Unavailable::new("s3", error))?;
            let request = self.client().await.delete_objects().bucket(&self.name).delete(delete);
            let deleted = request.send().await.map_err(unavailable)?;
            if let Some(error) = deleted.errors().first() {
                let code = error.code().unwrap_or("no code");
                return Err(Unavailable::new("s3", anyhow::anyhow!("a version was not deleted: {code}")));
            }
        }
        Ok(())
    }

    /// Replaces the tags of the current version of an object by one tag.
    pub async fn tag(&self, key: &str, name: &str, value: &str) -> Result<(), Unavailable> {
        let tag = Tag::builder().key(name).value(value).build();
        let tags = tag.and_then(|tag| Tagging::builder().tag_set(tag).build());
        let tags = tags.map_err(|error| Unavailable::new("s3", error))?;
        let put = self.client().await.put_object_tagging().bucket(&self.name).key(key).tagging(tags);
        put.send().await.map(drop).map_err(unavailable)
    }
}

impl From<ObjectVersion> for Version {
    fn from(version: ObjectVersion) -> Self {
        Self {
            key: version.key.unwrap_or_default(),
            id: version.version_id.unwrap_or_default(),
            size: version.size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
            modified: version.last_modified.and_then(moment),
            is_current: version.is_latest == Some(true),
            is_delete_marker: false,
        }
    }
}

impl From<DeleteMarkerEntry> for Version {
    fn from(marker: DeleteMarkerEntry) -> Self {
        Self {
            key: marker.key.unwrap_or_default(),
            id: marker.version_id.unwrap_or_default(),
            size: 0,
            modified: marker.last_modified.and_then(moment),
            is_current: marker.is_latest == Some(true),
            is_delete_marker: true,
        }
    }
}

fn moment(time: aws_sdk_s3::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

/// Checks whether `error` says that the version does not exist. The SDK has no variants for these codes.
fn is_missing<R>(error: &SdkError<GetObjectError, R>) -> bool {
    let code = error.as_service_error().and_then(GetObjectError::code);
    matches!(code, Some("NoSuchKey" | "NoSuchVersion" | "InvalidArgument"))
}
