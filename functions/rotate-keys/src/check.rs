//! Checks that a pending version works: alone, and together with instances that still have the current one.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use shared::{
    aws::secrets::Secrets,
    config::{Config, Setting, Tokens},
    crypto::{
        access_token::{Signer, Verifier},
        keyring::{Keyring, mac_key},
        seal::Sealer,
    },
    domain::{
        clock::{Clock, SystemClock},
        ids::{SessionId, UserId},
    },
};

use crate::{
    kind::{Kind, Rotated},
    signing_keys,
};

/// Signs or encrypts with the current key of each version, and verifies or decrypts that with the other version.
pub async fn check(config: &Config, secret: &Rotated, pending: &str, current: &str) -> anyhow::Result<()> {
    let versions = [secret.setting(pending)?, secret.setting(current)?];
    match secret.kind {
        Kind::Signing => {
            signing_keys::require_published(config, &secret.parse(pending)?).await?;
            let published = serde_json::to_string(&signing_keys::published(config).await?)?;
            let now = SystemClock.now();
            for signing_keys in versions {
                check_signature(config, signing_keys, &published, now).await?;
            }
        }
        Kind::Refresh => {
            let [pending, current] = versions.map(|keys| match keys {
                Setting::Plain(text) => Keyring::parse(text.expose_secret(), mac_key),
                Setting::Secret(_) | Setting::Absent(_) => anyhow::bail!("the secret has no keys"),
            });
            let (pending, current) = (pending?, current?);
            for (signing, verifying) in [(&pending, &current), (&current, &pending)] {
                let (id, _) = signing.first();
                verifying.find(id.as_bytes()).with_context(|| format!("one version lacks the key {id}"))?;
            }
        }
        Kind::Encryption => {
            let [pending, current] = versions.map(|keys| Sealer::new(Secrets::default(), keys));
            check_sealing(&pending, &current).await?;
            check_sealing(&current, &pending).await?;
        }
    }
    Ok(())
}

/// Signs an access token with `keys` and verifies it with the `published` ones.
async fn check_signature(
    config: &Config,
    keys: Setting,
    published: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let tokens = Arc::new(Tokens {
        signing_keys: keys,
        verification_keys: Setting::Plain(published.to_owned().into()),
        ..config.tokens.clone()
    });
    let (user, session) = (UserId::new(), SessionId::new());
    let token = Signer::new(Secrets::default(), Arc::clone(&tokens)).sign(user, session, now).await?;
    let claims = Verifier::new(Secrets::default(), &tokens, Arc::new(SystemClock)).verify(&token).await?;
    anyhow::ensure!(
        claims.is_some_and(|claims| claims.sub == user && claims.sid == session),
        "a token of this version is not accepted by the published keys"
    );
    Ok(())
}

/// Encrypts with `sealing` and decrypts with `opening`.
async fn check_sealing(sealing: &Sealer, opening: &Sealer) -> anyhow::Result<()> {
    const CONTEXT: &[u8] = b"rotate-keys";
    let sealed = sealing.seal(CONTEXT, CONTEXT.to_vec()).await?;
    let opened = opening.open(CONTEXT, &sealed).await?;
    anyhow::ensure!(opened.as_deref() == Some(CONTEXT), "one version cannot decrypt what the other encrypts");
    Ok(())
}
