//! Clerk: the export of its dashboard (CSV). JSON with the same members is read too.

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::Value;
use shared::crypto::imported_password::{ImportedHash, Unusable};

use super::{Candidate, Found, HashResult, firebase::HashConfig, full_name, is_true, text};
use crate::import::{records::Fields, report::Refused};

pub fn read(fields: &Fields) -> Found {
    let mut columns = ["verified_email_addresses", "unverified_email_addresses"].into_iter();
    if !columns.any(|name| fields.contains_key(name)) {
        return Found::Refused(Refused::NoVerification);
    }
    let verified = list(fields, "verified_email_addresses");
    let email = text(fields, "primary_email_address").or_else(|| {
        let all = ["verified_email_addresses", "email_addresses", "unverified_email_addresses"];
        all.into_iter().find_map(|name| list(fields, name).into_iter().next())
    });
    let is_verified = |email: &String| verified.iter().any(|other| other.eq_ignore_ascii_case(email));
    Found::User(Box::new(Candidate {
        id: text(fields, "id"),
        is_verified: email.as_ref().is_some_and(is_verified),
        email,
        names: vec![full_name(fields, "first_name", "last_name"), text(fields, "username")],
        image: text(fields, "image_url"),
        phone: text(fields, "primary_phone_number"),
        hash: hash(fields),
        is_blocked: is_true(fields, "banned"),
    }))
}

/// Returns the texts of a list. In a table they are one text with separators.
fn list(fields: &Fields, name: &str) -> Vec<String> {
    match fields.get(name) {
        Some(Value::String(text)) => {
            let texts = text.split(['|', ',', ';']).map(str::trim).filter(|text| !text.is_empty());
            texts.map(str::to_owned).collect()
        }
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn hash(fields: &Fields) -> HashResult {
    let Some(digest) = text(fields, "password_digest") else { return Ok(None) };
    let hasher = text(fields, "password_hasher").unwrap_or_else(|| "bcrypt".to_owned());
    let parsed = match hasher.as_str() {
        "bcrypt" | "argon2i" | "argon2id" => ImportedHash::parse(&digest),
        "pbkdf2_sha1" | "pbkdf2_sha256" | "pbkdf2_sha256_django" | "pbkdf2_sha512" => {
            pbkdf2(&hasher, &digest)
        }
        "scrypt_firebase" => firebase(&digest),
        _ => Err(Unusable::Unknown),
    };
    parsed.map(Some)
}

/// Parses `<name>$<iterations>$<salt>$<hash>`. Whether salt and hash are base64, hexadecimal or plain depends on the hasher.
fn pbkdf2(hasher: &str, text: &str) -> Result<ImportedHash, Unusable> {
    let [_, iterations, salt, hash] = parts(text)?;
    let base64 = |text: &str| {
        BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()).map_err(|_| Unusable::Damaged)
    };
    let hex = |text: &str| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| Unusable::Damaged);
    let (digest, salt, hash) = match hasher {
        "pbkdf2_sha1" => ("sha1", salt.into(), hex(hash)?),
        "pbkdf2_sha256" => ("sha256", base64(salt)?, base64(hash)?),
        "pbkdf2_sha512" => ("sha512", salt.into(), hex(hash)?),
        _ => ("sha256", salt.into(), base64(hash)?),
    };
    let (salt, hash) = (BASE64_NOPAD.encode(&salt), BASE64_NOPAD.encode(&hash));
    ImportedHash::parse(&format!("$pbkdf2-{digest}$i={iterations}${salt}${hash}"))
}

/// Parses `<hash>$<salt>$<signer key>$<salt separator>$<rounds>$<memory cost>`.
fn firebase(text: &str) -> Result<ImportedHash, Unusable> {
    let [hash, salt, signer_key, salt_separator, rounds, memory_cost] = parts(text)?;
    let number = |text: &str| text.parse().map_err(|_| Unusable::Damaged);
    let config = HashConfig {
        signer_key: signer_key.to_owned(),
        salt_separator: salt_separator.to_owned(),
        rounds: number(rounds)?,
        memory_cost: number(memory_cost)?,
    };
    config.hash(salt, hash)
}

fn parts<const N: usize>(text: &str) -> Result<[&str; N], Unusable> {
    text.split('$').collect::<Vec<_>>().try_into().map_err(|_| Unusable::Damaged)
}
