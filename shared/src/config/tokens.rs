//! `JWT_*`, `SESSION_LIMIT`: access tokens, refresh tokens and sessions.

use std::time::Duration;

use super::{Setting, section::section};

section! {
    /// Tokens and sessions
    pub struct Tokens {
        /// The private key set that signs access tokens. Only `auth` and `rotate-keys` have it.
        signing_keys: Setting = setting("JWT_SECRET") {
            allowed: "a JSON Web Key Set, below",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/signing-keys-AbCdEf"
        };
        /// The public key set that verifies access tokens.
        verification_keys: Setting = setting("JWT_PUBLIC_KEYS") {
            allowed: "a JSON Web Key Set, below",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/verification-keys-AbCdEf"
        };
        /// The keys of the MACs of refresh tokens. A token names its key: the first key makes new tokens, all keys verify.
        refresh_secret: Setting = setting("JWT_REFRESH_SECRET") {
            allowed: "text of 32 bytes or more without commas, or several of these separated by commas",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/auth-AbCdEf:refreshSecret::"
        };
        /// `iss` of access tokens.
        issuer: String = text("JWT_ISSUER", "https://api.archesai.com") { used_by: "api" };
        /// `aud` of access tokens.
        audience: String = text("JWT_AUDIENCE", "arches") { used_by: "api" };
        /// Lifetime of an access token.
        expiry: Duration = duration("JWT_EXPIRY", "15m") { used_by: "auth, system, rotate-keys" };
        /// Lifetime of a refresh token that is not used.
        refresh_expiry: Duration = duration("JWT_REFRESH_EXPIRY", "7d") { used_by: "auth, system, rotate-keys" };
        /// Lifetime of a session, however often it is refreshed.
        session_limit: Duration = duration("SESSION_LIMIT", "30d") { used_by: "auth" };
    }
}
