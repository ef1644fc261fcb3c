//! Firebase: the export `firebase auth:export --format=json`.

use anyhow::Context;
use shared::crypto::imported_password::{ImportedHash, Unusable};

use super::{Candidate, Found, HashResult, is_true, text};
use crate::import::records::Fields;

/// The parameters of a project's hashes, which Firebase's console shows.
pub struct HashConfig {
    /// Base64.
    pub signer_key: String,
    /// Base64.
    pub salt_separator: String,
    pub rounds: u32,
    /// The logarithm of scrypt's N.
    pub memory_cost: u32,
}

impl HashConfig {
    /// Parses what the console shows: `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`. The same as JSON is accepted too.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let member = |name: &str| {
            let (_, rest) = text.split_once(name)?;
            let (_, value) = rest.split_once(':')?;
            let value = value.split([',', '\n', '}']).next()?.trim().trim_matches('"');
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let needed = |name: &'static str| member(name).with_context(|| format!("{name} is missing"));
        let number =
            |name: &'static str| needed(name)?.parse().map_err(|_| anyhow::anyhow!("{name} is not a number"));
        anyhow::ensure!(needed("algorithm")? == "SCRYPT", "the algorithm is not SCRYPT");
        Ok(Self {
            signer_key: needed("base64_signer_key")?,
            salt_separator: needed("base64_salt_separator")?,
            rounds: number("rounds")?,
            memory_cost: number("mem_cost")?,
        })
    }

    /// Builds the hash of a user.
    pub fn hash(&self, salt: &str, hash: &str) -> Result<ImportedHash, Unusable> {
        let Self { signer_key, salt_separator, rounds, memory_cost } = self;
        // Old versions of the tool wrote the alphabet of URLs.
        let (salt, hash) = (standard(salt), standard(hash));
        let parameters = format!("v=1,n={memory_cost},r={rounds},p=1,ss={salt_separator},sk={signer_key}");
        ImportedHash::parse(&format!("$fbscrypt${parameters}${salt}${hash}"))
    }
}

pub fn read(fields: &Fields, config: Option<&HashConfig>) -> Found {
    Found::User(Box::new(Candidate {
        id: text(fields, "localId"),
        email: text(fields, "email"),
        is_verified: is_true(fields, "emailVerified"),
        names: vec![text(fields, "displayName")],
        image: text(fields, "photoUrl"),
        phone: text(fields, "phoneNumber"),
        hash: hash(fields, config),
        is_blocked: is_true(fields, "disabled"),
    }))
}

fn hash(fields: &Fields, config: Option<&HashConfig>) -> HashResult {
    let Some(hash) = text(fields, "passwordHash") else { return Ok(None) };
    let salt = text(fields, "salt").ok_or(Unusable::Damaged)?;
    config.ok_or(Unusable::Unknown)?.hash(&salt, &hash).map(Some)
}

/// Returns base64 in its usual alphabet.
fn standard(text: &str) -> String {
    text.replace('-', "+").replace('_', "/")
}
