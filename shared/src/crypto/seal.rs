//! Encrypts stored data: AES-256-GCM (NIST SP 800-38D) with `ENCRYPTION_KEY`.

use std::sync::Arc;

use chrono::TimeDelta;
use data_encoding::BASE64;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    aws::secrets::Secrets,
    config::Setting,
    crypto::keyring::{KeyId, Keyring},
};

/// The time for which a key is needed after it was retired. `retention` encrypts what lives longer again with the current key, every day. No
/// backup is older, so a restored one can be decrypted too.
pub const KEY_LIFETIME: TimeDelta = TimeDelta::days(90);

/// Encrypts and decrypts. The setting may contain several keys ([`crate::crypto::keyring`]).
#[derive(Clone)]
pub struct Sealer {
    secrets: Secrets,
    setting: Arc<Setting>,
}

impl Sealer {
    /// Creates a sealer. It reads its keys at first use.
    #[must_use]
    pub fn new(secrets: Secrets, setting: Setting) -> Self {
        Self { secrets, setting: Arc::new(setting) }
    }

    /// Encrypts `plain`. Only the same `context` decrypts it.
    pub async fn seal(&self, context: &[u8], plain: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let keys = self.keys(false).await?;
        let (id, key) = keys.first();
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let mut text = plain;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut text)
            .map_err(|_| anyhow::anyhow!("encryption failed"))?;
        Ok([id.as_bytes().as_slice(), &nonce, &text].concat())
    }

    /// Decrypts the output of [`Self::seal`]. `None` if its key is no longer in the setting, or if it was changed.
    pub async fn open(&self, context: &[u8], sealed: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let Some((id, rest)) = sealed.split_at_checked(KeyId::LEN) else { return Ok(None) };
        let Some((nonce, text)) = rest.split_at_checked(NONCE_LEN) else { return Ok(None) };
        let mut keys = self.keys(false).await?;
        if keys.find(id).is_none() {
            keys = self.keys(true).await?;
        }
        let Some((_, key)) = keys.find(id) else { return Ok(None) };
        let mut text = text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow::anyhow!("invalid nonce"))?;
        Ok(key.open_in_place(nonce, Aad::from(context), &mut text).ok().map(|plain| plain.to_vec()))
    }

    /// Returns the id of the key that encrypts: the first bytes of the output of [`Self::seal`].
    pub async fn key_id(&self) -> anyhow::Result<KeyId> {
        Ok(self.keys(false).await?.first().0)
    }

    async fn keys(&self, renew: bool) -> anyhow::Result<Keyring<LessSafeKey>> {
        let setting = if renew {
            self.secrets.renew(&self.setting).await?
        } else {
            self.secrets.get(&self.setting).await?
        };
        Keyring::parse(&setting, key)
    }
}

/// Parses an encryption key: 32 bytes in base64.
pub fn key(text: &str) -> anyhow::Result<(KeyId, LessSafeKey)> {
    // The error does not repeat the key.
    let bytes = BASE64.decode(text.as_bytes()).unwrap_or_default();
    let key = UnboundKey::new(&AES_256_GCM, &bytes)
        .map_err(|_| anyhow::anyhow!("ENCRYPTION_KEY is not 32 bytes in base64"))?;
    Ok((KeyId::of(&bytes), LessSafeKey::new(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(keys: &[u8]) -> Sealer {
        let keys: Vec<_> = keys.iter().map(|byte| BASE64.encode(&[*byte; 32])).collect();
        Sealer::new(Secrets::default(), Setting::Plain(keys.join(",").into()))
    }

    #[tokio::test]
    async fn data_is_decrypted_only_with_its_context_and_its_key() {
        let sealed = sealer(&[1]).seal(b"ada", b"secret".to_vec()).await.expect("sealed");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let open = async |keys: &[u8], context: &[u8], sealed: &[u8]| {
            sealer(keys).open(context, sealed).await.expect("an answer")
        };
        assert_eq!(open(&[1], b"ada", &sealed).await.as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&[2, 1], b"ada", &sealed).await.as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&[2], b"ada", &sealed).await, None);
        assert_eq!(open(&[1], b"bob", &sealed).await, None);
        for cut in 0..sealed.len() {
            assert_eq!(open(&[1], b"ada", &sealed[..cut]).await, None);
        }
    }

    #[tokio::test]
    async fn an_invalid_key_is_refused_and_not_repeated() {
        let setting = Setting::Plain("hunter2".to_owned().into());
        let error = Sealer::new(Secrets::default(), setting).seal(b"", Vec::new()).await.expect_err("no key");
        assert!(format!("{error:#}").contains("ENCRYPTION_KEY") && !format!("{error:#}").contains("hunter2"));
    }
}
