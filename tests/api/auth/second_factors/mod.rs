//! Second factors: an authenticator app and recovery codes.

mod challenges;
mod personal_data;
mod proofs;
mod recovery_codes;
mod totp;

const LOGIN: &str = "/v1/auth/login";
const TOTP: &str = "/v1/auth/totp";
const CONFIRM: &str = "/v1/auth/totp/confirm";
const CODES: &str = "/v1/auth/recovery-codes";
