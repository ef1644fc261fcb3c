//! The SCRAM-SHA-256 verifier that PostgreSQL stores in place of a password (RFC 5802, RFC 7677). Pure: no I/O.
//!
//! Computed here and not by the server, so that no statement, and no log of the server, has the password.

use postgres_protocol::password::scram_sha_256;

/// Returns the verifier of `password`, as `ALTER ROLE … PASSWORD` takes it.
pub fn verifier(password: &str) -> anyhow::Result<String> {
    // SASLprep (RFC 4013) changes other characters, and not every client does it the same way.
    let is_plain = |password: &str| password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    anyhow::ensure!(
        !password.is_empty() && is_plain(password),
        "the password is empty, or has a character that is not printable ASCII"
    );
    Ok(scram_sha_256(password.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use data_encoding::BASE64;
    use ring::{
        digest, hmac,
        pbkdf2::{self, PBKDF2_HMAC_SHA256},
    };

    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    }

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
    }

    /// Returns the client's proof and the server's signature, as a client computes them at a login.
    fn exchange(password: &str, salt: &[u8], message: &str) -> (Vec<u8>, Vec<u8>) {
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        let iterations = NonZeroU32::new(4096).expect("not zero");
        pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, salt, password.as_bytes(), &mut salted);
        let client_key = mac(&salted, "Client Key");
        let signature = mac(&sha256(&client_key), message);
        let proof = client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
        (proof, mac(&mac(&salted, "Server Key"), message))
    }

    fn message(salt: &str) -> String {
        format!("n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s={salt},i=4096,c=biws,r={NONCE}")
    }

    #[test]
    fn a_client_that_follows_rfc_7677_logs_in_with_the_verifier() {
        // The client above is correct: it repeats the exchange in section 3 of the RFC.
        const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
        let decode = |text: &str| BASE64.decode(text.as_bytes()).expect("base64");
        let (proof, signature) = exchange("pencil", &decode(SALT), &message(SALT));
        assert_eq!(BASE64.encode(&proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        assert_eq!(BASE64.encode(&signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");

        let verifier = verifier("pencil").expect("a verifier");
        let parts: Vec<_> = verifier.split(['$', ':']).collect();
        let ["SCRAM-SHA-256", "4096", salt, stored, server] = parts[..] else { panic!("{verifier}") };
        let (proof, signature) = exchange("pencil", &decode(salt), &message(salt));
        assert_eq!(mac(&decode(server), &message(salt)), signature);
        let client_signature = mac(&decode(stored), &message(salt));
        let client_key: Vec<u8> = proof.iter().zip(client_signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(sha256(&client_key), decode(stored));
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
