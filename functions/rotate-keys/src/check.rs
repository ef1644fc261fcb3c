//! Whether a pending version works: alone, and beside instances that still have the current one.

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

/// Makes something with each version's current key and reads it with the other's.
pub async fn works(config: &Config, secret: &Rotated, pending: &str, current: &str) -> anyhow::Result<()> {
    let versions = [secret.setting(pending)?, secret.setting(current)?];
    match secret.kind {
        Kind::Signing => {
            signing_keys::is_published(config, &secret.parse(pending)?).await?;
            let published = serde_json::to_string(&signing_keys::published(config).await?)?;
            let now = SystemClock.now();
            for signing_keys in versions {
                signs(config, signing_keys, &published, now).await?;
            }
        }
        Kind::Refresh => {
            let [pending, current] = versions.map(|keys| match keys {
                Setting::Plain(text) => Keyring::parse(text.expose_secret(), mac_key),
                _ => anyhow::bail!("no keys"),
            });
            let (pending, current) = (pending?, current?);
            for (maker, reader) in [(&pending, &current), (&current, &pending)] {
                let (id, _) = maker.first();
                reader.find(id.as_bytes()).with_context(|| format!("the key {id} is not known to both"))?;
            }
        }
        Kind::Encryption => {
            let [pending, current] = versions.map(|keys| Sealer::new(Secrets::default(), keys));
            seals(&pending, &current).await?;
            seals(&current, &pending).await?;
        }
    }
    Ok(())
}

async fn signs(config: &Config, keys: Setting, published: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
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
        "what it signs is not verified by what is published"
    );
    Ok(())
}

async fn seals(maker: &Sealer, reader: &Sealer) -> anyhow::Result<()> {
    const CONTEXT: &[u8] = b"rotate-keys";
    let sealed = maker.seal(CONTEXT, CONTEXT.to_vec()).await?;
    let opened = reader.open(CONTEXT, &sealed).await?;
    anyhow::ensure!(opened.as_deref() == Some(CONTEXT), "what one version seals the other does not open");
    Ok(())
}
