//! Authenticates manifests, so that nobody but `backup` can make a backup that is restored.
//!
//! `<id>/manifest.mac` is a MAC by KMS (HMAC with SHA-256) of the SHA-256 of `<id>/manifest.json`. The manifest has the SHA-256 of the
//! archive, so the archive is authenticated too.

use anyhow::{Context, bail, ensure};
use data_encoding::HEXLOWER;
use ring::digest::{Digest, SHA256, digest};

use super::{Backup, State, mac_key, manifest_key};
use crate::{
    aws::{kms::MacKey, s3::Bucket},
    error::Unavailable,
};

/// Names the runbook in errors that an attack can cause.
const RUNBOOK: &str = "see docs/runbooks/backup-hidden.md";

/// A backup, as an event names it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The id; the newest by default.
    pub backup: Option<&'a str>,
    /// The version of the manifest; the current one by default.
    pub version: Option<&'a str>,
    /// The SHA-256 of the manifest, in hexadecimal. A manifest with this hash needs no MAC.
    pub manifest_sha256: Option<&'a str>,
}

/// Returns the SHA-256 of a manifest, in hexadecimal.
#[must_use]
pub fn manifest_sha256(manifest: &[u8]) -> String {
    HEXLOWER.encode(hash(manifest).as_ref())
}

fn hash(manifest: &[u8]) -> Digest {
    digest(&SHA256, manifest)
}

impl State {
    /// Returns the MAC of a manifest.
    pub async fn sign(&self, manifest: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.mac_key.generate(hash(manifest).as_ref()).await
    }
}

impl Choice<'_> {
    /// Returns the text of the manifest of `backup` in `bucket`, and fails if it is not authentic. Nothing of it is read before.
    ///
    /// Without a version, only current versions count: a backup that was changed or hidden is refused, so that it is noticed.
    pub async fn authentic(self, bucket: &Bucket, key: &MacKey, backup: &Backup) -> anyhow::Result<Vec<u8>> {
        let (id, name) = (&backup.id, manifest_key(&backup.id));
        let version = match (self.version, backup.current(&name)) {
            (Some(version), _) => version,
            (None, Some(current)) => &current.version,
            (None, None) if backup.hidden => {
                bail!("the backup {id} is hidden by a delete marker: name a version; {RUNBOOK}")
            }
            (None, None) => bail!("the backup {id} has no manifest"),
        };
        let text = bucket.get_version(&name, version).await?;
        let text = text.with_context(|| format!("the manifest of {id} has no version {version}"))?;
        let Some(expected) = self.manifest_sha256 else {
            self.authenticate(bucket, key, backup, &text).await?;
            return Ok(text);
        };
        let found = manifest_sha256(&text);
        ensure!(
            found == expected.to_ascii_lowercase(),
            "the manifest of {id} was changed: its SHA-256 is {found}"
        );
        Ok(text)
    }

    /// Fails if no MAC of `backup` fits the manifest `text`. With a version, also compares MACs that were written over or hidden.
    async fn authenticate(
        self,
        bucket: &Bucket,
        key: &MacKey,
        backup: &Backup,
        text: &[u8],
    ) -> anyhow::Result<()> {
        let (id, name) = (&backup.id, mac_key(&backup.id));
        let mut found = false;
        for version in backup.versions_of(&name).filter(|version| self.version.is_some() || version.current) {
            let Some(mac) = bucket.get_version(&name, &version.version).await? else { continue };
            found = true;
            if key.verify(hash(text).as_ref(), &mac).await? {
                return Ok(());
            }
        }
        ensure!(found, "the manifest of {id} has no MAC; {RUNBOOK}");
        bail!(
            "the MAC of the manifest of {id} is wrong: it was not made by this environment's backup function; {RUNBOOK}"
        )
    }
}
