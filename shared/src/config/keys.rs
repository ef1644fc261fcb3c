//! `SESSION_SECRET`, `ENCRYPTION_KEY`: keys for what is stored; `SECRET_MAX_AGE`.

use std::time::Duration;

use super::{Setting, section::section};

section! {
    /// Keys for what is stored
    pub struct Keys {
        /// The key of the hashes under which throttles count an account, of the hashes of magic links' codes, and of the
        /// tokens of known devices, and of recovery codes. A new value makes every device unknown and every recovery code invalid.
        /// `rotate-keys` reads it when it makes the first keys.
        session_secret: Setting = setting("SESSION_SECRET") {
            used_by: "rotate-keys",
            allowed: "text of 32 bytes or more",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/auth-AbCdEf:sessionSecret::"
        };
        /// Encrypts the answers kept under an `Idempotency-Key`, and the seeds of authenticator apps: the first key encrypts, all keys
        /// decrypt.
        encryption_key: Setting = setting("ENCRYPTION_KEY") {
            allowed: "32 bytes in base64, or several of these separated by commas",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/encryption-AbCdEf:key::"
        };
        /// The maximum age of a cached secret. An instance that cannot read a secret again for so long answers 503.
        max_age: Duration = duration("SECRET_MAX_AGE", "30m") { used_by: "api, backup, restore-drill, retention" };
    }
}
