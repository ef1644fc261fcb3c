//! Hashes passwords with argon2id, one at a time, in reused memory.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::domain::password::Password;

/// 19 MiB, 2 passes, 1 lane: recommended by the OWASP Password Storage Cheat Sheet for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_LEN: usize = 32;
const SALT_LEN: usize = 16;

/// Compared with the password for an unknown user, so that the response takes as long as for a known one. All zeros, so no
/// password matches.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords.
///
/// One at a time, and in the calling thread: an instance serves one request at a time with less than one core, so a second thread
/// would only add two context switches. The memory is kept for the next hash.
#[derive(Clone, Default)]
pub struct Passwords {
    memory: Arc<Mutex<Vec<Block>>>,
    hashed: Arc<AtomicUsize>,
}

/// The result of comparing a password with a hash.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    pub matches: bool,
    /// The hash has weaker parameters than a new one would have.
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
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, current_params()?);
        let params = ParamsString::try_from(argon2.params())?;
        let output = self.run(&argon2, password, &salt, HASH_LEN)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params,
            salt: Some(Salt::new(&salt)?),
            hash: Some(Output::new(&output)?),
        };
        Ok(hash.to_string())
    }

    /// Compares `password` with `hash`. Without a hash it does the same work, and the password does not match.
    pub fn verify(&self, password: &Password, hash: Option<&str>) -> anyhow::Result<Verified> {
        let parsed = PasswordHash::new(hash.unwrap_or(DUMMY_HASH))?;
        let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else {
            anyhow::bail!("the stored password hash has no salt or no output");
        };
        let params = Params::try_from(&parsed)?;
        let weaker = params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES;
        let argon2 = Argon2::new(Algorithm::try_from(parsed.algorithm.as_str())?, Version::V0x13, params);
        let length = expected.as_bytes().len();
        let output = self.run(&argon2, password, &salt, length)?;
        let equal = bool::from(output.ct_eq(expected.as_bytes()));
        Ok(Verified { matches: hash.is_some() && equal, outdated: weaker })
    }

    fn run(
        &self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        length: usize,
    ) -> anyhow::Result<Vec<u8>> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let blocks = argon2.params().block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        let mut output = vec![0; length];
        let password = password.expose_secret().as_bytes();
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory[..blocks])?;
        Ok(output)
    }
}

fn current_params() -> anyhow::Result<Params> {
    Ok(Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN))?)
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

    #[test]
    fn a_hash_with_weaker_parameters_still_matches_but_is_outdated() {
        let weak = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";
        let argon2 = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(4096, 1, 1, Some(32)).expect("params"),
        );
        let mut output = [0; 32];
        argon2.hash_password_into(b"correct horse", b"somesaltsomesalt", &mut output).expect("a hash");
        let hash = format!("{weak}{}", data_encoding::BASE64_NOPAD.encode(&output));
        let verified =
            Passwords::default().verify(&password("correct horse"), Some(&hash)).expect("an answer");
        assert_eq!(verified, Verified { matches: true, outdated: true });
    }
}
