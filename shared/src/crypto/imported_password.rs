//! Hashes of passwords that other systems made. An imported user has one until the first sign-in, which replaces it.
//!
//! A stored one begins with [`PREFIX`]. The rest is in the PHC string format, except bcrypt, which has its own, and Firebase's scrypt,
//! which is written as Supabase does. A hash that would cost a sign-in too much time or memory is refused
//! ([ADR 39](../../../docs/adr/0039-imported-passwords-are-wrapped.md)).

use std::num::NonZeroU32;

use aes::Aes256;
use argon2_rust::{Algorithm, Hasher, decode_string};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use data_encoding::BASE64_NOPAD;
use ring::pbkdf2;
use scrypt::Params;
use subtle::ConstantTimeEq;

/// The beginning of a stored imported hash. `store::users` looks for it.
pub const PREFIX: &str = "$imported";

/// The longest text of a hash.
const MAX_LENGTH: usize = 1024;
/// The fewest bytes of a hash. With fewer, a wrong password could match.
const MIN_HASH: usize = 16;
/// Of bcrypt: 2¹² rounds.
const MAX_BCRYPT_COST: u32 = 12;
/// The most memory of argon2.
const MAX_ARGON2_KIB: u64 = 64 * 1024;
/// The most memory of argon2, times the passes over it.
const MAX_ARGON2_WORK: u64 = 256 * 1024;
const MAX_ARGON2_LANES: u64 = 16;
/// The most memory of scrypt, in bytes.
const MAX_SCRYPT_MEMORY: u64 = 64 << 20;

/// The reason for which a hash cannot be taken. It contains nothing of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the hash of the password is of an unknown kind")]
    Unknown,
    #[error("the hash of the password is damaged")]
    Damaged,
    #[error("the hash of the password needs more time or memory than a sign-in may take")]
    TooCostly,
}

/// A hash that another system made.
pub struct ImportedHash {
    text: String,
    kind: Kind,
}

enum Kind {
    Bcrypt,
    Argon2(Algorithm),
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Scrypt { params: Params, salt: Vec<u8>, hash: Vec<u8> },
    FirebaseScrypt { params: Params, salt: Vec<u8>, signer_key: Vec<u8>, hash: Vec<u8> },
}

impl ImportedHash {
    /// Parses a hash without [`PREFIX`], and checks its costs.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        if text.len() > MAX_LENGTH {
            return Err(Unusable::Damaged);
        }
        let (name, rest) =
            text.strip_prefix('$').and_then(|text| text.split_once('$')).ok_or(Unusable::Unknown)?;
        let kind = match name {
            "2a" | "2b" | "2y" => bcrypt(text)?,
            "argon2i" => argon2(text, Algorithm::Argon2i)?,
            "argon2id" => argon2(text, Algorithm::Argon2id)?,
            "pbkdf2-sha1" => pbkdf2(rest, pbkdf2::PBKDF2_HMAC_SHA1, 20, 1_300_000)?,
            "pbkdf2-sha256" => pbkdf2(rest, pbkdf2::PBKDF2_HMAC_SHA256, 32, 600_000)?,
            "pbkdf2-sha512" => pbkdf2(rest, pbkdf2::PBKDF2_HMAC_SHA512, 64, 210_000)?,
            "scrypt" => scrypt(rest)?,
            "fbscrypt" => firebase_scrypt(rest)?,
            _ => return Err(Unusable::Unknown),
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Returns the text to be stored.
    #[must_use]
    pub fn to_stored(&self) -> String {
        format!("{PREFIX}{}", self.text)
    }

    /// Checks whether `password` has this hash. argon2 uses the memory of `hasher`.
    #[must_use]
    pub fn matches(&self, password: &[u8], hasher: &mut Hasher) -> bool {
        match &self.kind {
            Kind::Bcrypt => bcrypt::verify(password, &self.text).unwrap_or(false),
            Kind::Argon2(algorithm) => hasher.verify_encoded(&self.text, password, *algorithm).is_ok(),
            Kind::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password, hash).is_ok()
            }
            Kind::Scrypt { params, salt, hash } => {
                let mut made = vec![0; hash.len()];
                scrypt::scrypt(password, salt, params, &mut made).is_ok() && made.ct_eq(hash).into()
            }
            Kind::FirebaseScrypt { params, salt, signer_key, hash } => {
                let (mut key, mut made) = ([0_u8; 32], signer_key.clone());
                let derived = scrypt::scrypt(password, salt, params, &mut key);
                // Firebase stores the key of the project, encrypted with the hash.
                Ctr128BE::<Aes256>::new(&key.into(), &[0_u8; 16].into()).apply_keystream(&mut made);
                derived.is_ok() && made.ct_eq(hash).into()
            }
        }
    }
}

fn bcrypt(text: &str) -> Result<Kind, Unusable> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| Unusable::Damaged)?;
    match parts.get_cost() {
        0..4 => Err(Unusable::Damaged),
        4..=MAX_BCRYPT_COST => Ok(Kind::Bcrypt),
        _ => Err(Unusable::TooCostly),
    }
}

fn argon2(text: &str, algorithm: Algorithm) -> Result<Kind, Unusable> {
    let decoded = decode_string(text, algorithm).map_err(|_| Unusable::Damaged)?;
    if decoded.hash.len() < MIN_HASH {
        return Err(Unusable::Damaged);
    }
    let (memory, passes) = (u64::from(decoded.params.memory_kib()), u64::from(decoded.params.passes()));
    let lanes = u64::from(decoded.params.lanes());
    if memory > MAX_ARGON2_KIB || memory * passes > MAX_ARGON2_WORK || lanes > MAX_ARGON2_LANES {
        return Err(Unusable::TooCostly);
    }
    Ok(Kind::Argon2(algorithm))
}

/// Parses `i=<iterations>$<salt>$<hash>`. `block` is the length of the digest.
fn pbkdf2(rest: &str, algorithm: pbkdf2::Algorithm, block: usize, most: u32) -> Result<Kind, Unusable> {
    let [parameters, salt, hash] = fields(rest)?;
    let iterations = NonZeroU32::new(number(parameters, "i")?).ok_or(Unusable::Damaged)?;
    if iterations.get() > most {
        return Err(Unusable::TooCostly);
    }
    let (salt, mut hash) = (decode(salt)?, decode_hash(hash)?);
    // Each block is made from the password alone: the first one proves it, and a longer hash would cost as many times more.
    hash.truncate(block);
    Ok(Kind::Pbkdf2 { algorithm, iterations, salt, hash })
}

/// Parses `ln=<log₂ N>,r=<r>,p=<p>$<salt>$<hash>`.
fn scrypt(rest: &str) -> Result<Kind, Unusable> {
    let [parameters, salt, hash] = fields(rest)?;
    let params =
        scrypt_params(number(parameters, "ln")?, number(parameters, "r")?, number(parameters, "p")?)?;
    Ok(Kind::Scrypt { params, salt: decode(salt)?, hash: decode_hash(hash)? })
}

/// Parses `v=1,n=<log₂ N>,r=<r>,p=1,ss=<salt separator>,sk=<signer key>$<salt>$<hash>`.
fn firebase_scrypt(rest: &str) -> Result<Kind, Unusable> {
    let [parameters, salt, hash] = fields(rest)?;
    if number(parameters, "v")? != 1 {
        return Err(Unusable::Unknown);
    }
    let params = scrypt_params(number(parameters, "n")?, number(parameters, "r")?, number(parameters, "p")?)?;
    let mut salt = decode(salt)?;
    salt.extend(decode(parameter(parameters, "ss")?)?);
    let (signer_key, hash) = (decode(parameter(parameters, "sk")?)?, decode_hash(hash)?);
    if signer_key.len() != hash.len() {
        return Err(Unusable::Damaged);
    }
    Ok(Kind::FirebaseScrypt { params, salt, signer_key, hash })
}

fn scrypt_params(log_n: u32, r: u32, p: u32) -> Result<Params, Unusable> {
    if !(1..=32).contains(&log_n) || r == 0 || p == 0 {
        return Err(Unusable::Damaged);
    }
    // Each of the `p` runs uses the whole memory.
    let memory = (128_u64 << log_n).saturating_mul(r.into()).saturating_mul(p.into());
    if memory > MAX_SCRYPT_MEMORY {
        return Err(Unusable::TooCostly);
    }
    let log_n = u8::try_from(log_n).map_err(|_| Unusable::Damaged)?;
    Params::new(log_n, r, p).map_err(|_| Unusable::Damaged)
}

/// Splits what follows the name.
fn fields<const N: usize>(rest: &str) -> Result<[&str; N], Unusable> {
    rest.split('$').collect::<Vec<_>>().try_into().map_err(|_| Unusable::Damaged)
}

/// Returns the value of the parameter `name`.
fn parameter<'a>(parameters: &'a str, name: &str) -> Result<&'a str, Unusable> {
    let mut all = parameters.split(',').filter_map(|parameter| parameter.split_once('='));
    all.find(|(found, _)| *found == name).map(|(_, value)| value).ok_or(Unusable::Damaged)
}

fn number(parameters: &str, name: &str) -> Result<u32, Unusable> {
    parameter(parameters, name)?.parse().map_err(|_| Unusable::Damaged)
}

/// Decodes base64, with or without padding.
fn decode(text: &str) -> Result<Vec<u8>, Unusable> {
    BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()).map_err(|_| Unusable::Damaged)
}

fn decode_hash(text: &str) -> Result<Vec<u8>, Unusable> {
    decode(text).and_then(|hash| if hash.len() < MIN_HASH { Err(Unusable::Damaged) } else { Ok(hash) })
}

#[cfg(test)]
mod tests;
