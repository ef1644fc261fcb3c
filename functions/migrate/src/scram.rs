//! What PostgreSQL keeps of a password (RFC 5802, RFC 7677). Asks nobody.
//!
//! Created here, so that the password itself is in no statement, and in no log of the server.

use std::num::NonZeroU32;

use data_encoding::BASE64;
use ring::{
    digest, hmac,
    pbkdf2::{self, PBKDF2_HMAC_SHA256},
    rand::{SecureRandom, SystemRandom},
};

/// As many as PostgreSQL makes itself (`scram_iterations`).
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("more than none");
/// As long as PostgreSQL's own, in bytes.
const SALT_LEN: usize = 16;

/// The verifier of `password`, as `ALTER ROLE … PASSWORD` takes it.
pub fn verifier(password: &str) -> anyhow::Result<String> {
    // Of other characters SASLprep (RFC 4013) would make others, here or in a client.
    let is_plain = |password: &str| password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    anyhow::ensure!(
        !password.is_empty() && is_plain(password),
        "the password is empty, or not of printable ASCII characters alone"
    );
    let mut salt = [0; SALT_LEN];
    SystemRandom::new().fill(&mut salt).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    let keys = Keys::derive(password, &salt);
    let [salt, stored, server] =
        [&salt[..], keys.stored.as_ref(), keys.server.as_ref()].map(|raw| BASE64.encode(raw));
    Ok(format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}"))
}

struct Keys {
    stored: digest::Digest,
    server: hmac::Tag,
}

impl Keys {
    fn derive(password: &str, salt: &[u8]) -> Self {
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        Self {
            stored: digest::digest(&digest::SHA256, hmac::sign(&salted, b"Client Key").as_ref()),
            server: hmac::sign(&salted, b"Server Key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn the_exchange_of_rfc_7677_succeeds_with_the_keys_that_are_kept() {
        const NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let message = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={NONCE}"
        );
        let keys = Keys::derive("pencil", &BASE64.decode(b"W22ZaJ0SNY7soEsUEjb6gQ==").expect("a salt"));
        assert_eq!(
            BASE64.encode(&mac(keys.server.as_ref(), &message)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let proof = BASE64.decode(b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").expect("a proof");
        let signature = mac(keys.stored.as_ref(), &message);
        let client: Vec<u8> =
            proof.iter().zip(signature).map(|(proof, signature)| proof ^ signature).collect();
        assert_eq!(digest::digest(&digest::SHA256, &client).as_ref(), keys.stored.as_ref());
    }

    #[test]
    fn a_verifier_is_salted_and_a_password_is_of_printable_ascii() {
        let [one, other] = [(); 2].map(|()| verifier("pencil").expect("a verifier"));
        assert!(one.starts_with("SCRAM-SHA-256$4096:") && one != other, "{one}");
        for password in ["", "naïve", "a\nb", "\u{7f}"] {
            assert!(verifier(password).is_err(), "{password:?}");
        }
    }
}
