//! Hashes passwords with argon2id (RFC 9106), one at a time, in reused memory.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use argon2_rust::{
    Algorithm, Argon2, Error, Hasher, Params, Version, decode_string,
    params::{Memory, TagLen},
};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;

use super::imported_password::{self, ImportedHash};
use crate::domain::password::Password;

/// 19 MiB, 2 passes, 1 lane: recommended by the OWASP Password Storage Cheat Sheet for argon2id.
const PARAMS: Params =
    Params::builder().memory(Memory::mib(19)).passes(2).lanes(1).tag_len(TagLen::bytes(32)).build_or_panic();
/// In bytes.
const SALT_LEN: usize = 16;

/// Compared with the password for an unknown user, so that the response takes as long as for a known one. All zeros, so no
/// password matches.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords.
///
/// One at a time, and in the calling thread: an instance serves one request at a time with less than one core, so a second thread
/// would only add two context switches. The memory is overwritten after each hash, and kept for the next one.
#[derive(Clone)]
pub struct Passwords {
    hasher: Arc<Mutex<Hasher>>,
    hashed: Arc<AtomicUsize>,
}

impl Default for Passwords {
    fn default() -> Self {
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS).hasher();
        Self { hasher: Arc::new(Mutex::new(hasher)), hashed: Arc::default() }
    }
}

/// The result of comparing a password with a hash.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    pub matches: bool,
    /// The hash has weaker parameters than a new one would have, or another system made it.
    pub outdated: bool,
}

impl Passwords {
    /// Returns the number of hashes so far. Tests compare it, to show that refusals with the same text cost the same time.
    #[must_use]
    pub fn count(&self) -> usize {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Hashes `password` with a new salt. Returns the PHC string format.
    pub fn hash(&self, password: &Password) -> anyhow::Result<String> {
        let mut salt = [0; SALT_LEN];
        SystemRandom::new().fill(&mut salt).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        Ok(self.hasher().hash_encoded(password.expose_secret().as_bytes(), &salt)?)
    }

    /// Compares `password` with `hash`. Without a hash it does the same work, and the password does not match.
    pub fn verify(&self, password: &Password, hash: Option<&str>) -> anyhow::Result<Verified> {
        if let Some(imported) = hash.and_then(|hash| hash.strip_prefix(imported_password::PREFIX)) {
            let matches = ImportedHash::parse(imported)?
                .matches(password.expose_secret().as_bytes(), &mut self.hasher());
            return Ok(Verified { matches, outdated: true });
        }
        let stored = hash.unwrap_or(DUMMY_HASH);
        let params = decode_string(stored, Algorithm::Argon2id)?.params;
        let password = password.expose_secret().as_bytes();
        let equal = match self.hasher().verify_encoded(stored, password, Algorithm::Argon2id) {
            Ok(()) => true,
            Err(Error::VerifyMismatch) => false,
            Err(error) => return Err(error.into()),
        };
        let weaker = params.memory() < PARAMS.memory() || params.passes() < PARAMS.passes();
        Ok(Verified { matches: hash.is_some() && equal, outdated: weaker })
    }

    /// Locks the hasher for one hash, and counts it.
    fn hasher(&self) -> MutexGuard<'_, Hasher> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::try_from(text.to_owned()).expect("a password")
    }

    #[test]
    fn a_password_matches_its_own_hash_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&password("Pässwörd 🔑 \0 x")).expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let right = passwords.verify(&password("Pässwörd 🔑 \0 x"), Some(&hash)).expect("an answer");
        assert_eq!(right, Verified { matches: true, outdated: false });
        let wrong = passwords.verify(&password("Pässwörd 🔑 \0 X"), Some(&hash)).expect("an answer");
        assert!(!wrong.matches);
    }

    #[test]
    fn without_a_hash_no_password_matches() {
        let verified = Passwords::default().verify(&password("anything"), None).expect("an answer");
        assert_eq!(verified, Verified { matches: false, outdated: false });
    }

    /// Hashes that another implementation of argon2 made: crate `argon2` 0.6.0.
    #[test]
    fn a_hash_of_another_implementation_matches_and_is_outdated_if_it_is_weaker() {
        for (hash, outdated) in [
            (
                "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k9ohroejZy1PN5E1SbHNPug6vB8eQAahb5SOAp6iGF4",
                false,
            ),
            (
                "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$kJDB5bOOdKXUTbUljRcA6wIHgDrR9jWiMwmeZdp8KOY",
                true,
            ),
        ] {
            let verify =
                |text: &str| Passwords::default().verify(&password(text), Some(hash)).expect("an answer");
            assert_eq!(verify("correct horse"), Verified { matches: true, outdated });
            assert!(!verify("correct horsf").matches);
        }
    }

    #[test]
    fn imported_hash_matches_and_is_outdated_whatever_its_parameters() {
        for hash in [
            "$imported$2y$10$srNl09aPtc2qr.0Vl.NtjekJRt/NxRxYQm3qd3OvfcKsJgVnr6.Ve",
            "$imported$argon2id$v=19$m=32,t=3,p=2$SFVpOWJ0eXhjRzVkdGN1RQ$RXnb8rh7LaDcn07xsssqqulZYXOM/EUCEFMVcAcyYVk",
        ] {
            let passwords = Passwords::default();
            let right = passwords.verify(&password("test"), Some(hash)).expect("an answer");
            assert_eq!(right, Verified { matches: true, outdated: true });
            assert!(!passwords.verify(&password("test1"), Some(hash)).expect("an answer").matches);
            assert_eq!(passwords.count(), 2, "one hash for each");
        }
    }

    #[test]
    fn what_is_no_hash_is_an_error() {
        for stored in [
            "",
            "secret",
            "$argon2id$v=19$m=19456,t=2,p=1$AAAA",
            "$2b$10$abcdefghijklmnopqrstuv",
            "$imported",
            "$imported$2b$31$j1VrSes7UPHNTkoAHq5T0OO8WUO2lODzbk4gFt3BaxRi1UbkmnRSi",
        ] {
            Passwords::default().verify(&password("anything"), Some(stored)).expect_err(stored);
        }
    }
}
