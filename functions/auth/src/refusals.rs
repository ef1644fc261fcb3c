//! The refusals of this function.

use axum::http::StatusCode;
use shared::{ApiError, Refusal, TooMany};

pub const EMAIL_TAKEN: Refusal =
    Refusal::conflict("email-taken", "There is an account with this address already.");
pub const EXPORT_TOO_LARGE: Refusal = Refusal::conflict(
    "export-too-large",
    "There is too much data for one request. Ask the operator for your export.",
);
/// For a wrong password, an unknown address, and a suspended or deleted account.
pub const WRONG_CREDENTIALS: Refusal =
    Refusal::unauthorized("wrong-credentials", "The address or the password is wrong.");
/// The password was changed after it had been verified. The same request, sent again, verifies it again.
pub const JUST_CHANGED: Refusal = Refusal {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "try-again",
    message: "The account was changed at the same time. Try again.",
};
pub const WRONG_PASSWORD: Refusal = Refusal::forbidden("wrong-password", "The current password is wrong.");
/// For a refresh token that is unknown, expired, revoked or used up.
pub const INVALID_REFRESH_TOKEN: Refusal =
    Refusal::unauthorized("invalid-refresh-token", "This refresh token is not valid. Sign in again.");
pub const FOREIGN_ORIGIN: Refusal =
    Refusal::forbidden("foreign-origin", "A cookie session can only be used from a page of a listed origin.");
pub const INVALID_TOKEN: Refusal =
    Refusal::invalid("invalid-token", "This token is unknown, used up or expired. Ask for a new one.");
pub const NO_SUCH_SESSION: Refusal = Refusal::not_found("session-not-found", "You have no such session.");
pub const NO_SUCH_ACCOUNT: Refusal =
    Refusal::not_found("account-not-found", "You have no such way to sign in.");
pub const NO_SUCH_PASSKEY: Refusal = Refusal::not_found("passkey-not-found", "You have no such passkey.");
pub const LAST_ACCOUNT: Refusal = Refusal::conflict("last-account", "This is your only way to sign in.");
pub const ADDRESS_NEEDED: Refusal = Refusal::conflict(
    "address-needed",
    "You can always sign in through your mail; change the address instead.",
);
pub const TOO_MANY_ATTEMPTS: TooMany =
    TooMany::new("too-many-attempts", "Too many attempts. Wait for the time in Retry-After.");
/// For accounts that exist and for others alike.
pub const TOO_MANY_FAILURES: TooMany = TooMany::new(
    "too-many-attempts",
    "Too many wrong attempts at this account. Use a device that you have signed in from before, or ask for a mail.",
);
pub const INVALID_CODE: Refusal = Refusal::invalid(
    "invalid-code",
    "This code is wrong, used up or expired, or there were too many wrong guesses. Use the link, or ask for a new mail.",
);
pub const PASSWORD_OR_CODE: Refusal = Refusal::invalid(
    "password-or-code",
    "Give one of these: the current password, the code from a mail or from your authenticator app, a recovery code, or the code of a \
     passkey.",
);
pub const CODE_OR_RECOVERY_CODE: Refusal = Refusal::invalid(
    "code-or-recovery-code",
    "Give one of these: a code of your authenticator app, a recovery code, or the code of a passkey.",
);
/// For a sign-in. A signed-in user gets [`WRONG_CODE`].
pub const WRONG_CODE_AT_SIGN_IN: Refusal = Refusal::unauthorized("wrong-code", WRONG_CODE.message);
pub const WRONG_CODE: Refusal = Refusal::forbidden(
    "wrong-code",
    "This code is wrong, or it was used before. Wait for the next code of your app.",
);
pub const CHALLENGE_ENDED: Refusal = Refusal::unauthorized(
    "challenge-ended",
    "This sign-in is unknown, used up or expired, or there were too many wrong codes. Sign in again.",
);
/// A password or a mail alone is not enough for an account that has a second factor.
pub const SECOND_FACTOR_NEEDED: Refusal = Refusal::forbidden(
    "second-factor-needed",
    "This account has a second factor: sign in with it, or prove it at /v1/auth/reauthenticate, then do this again.",
);
pub const ADDRESS_NOT_PROVED: Refusal = Refusal::forbidden(
    "address-not-proved",
    "Prove your address first: confirm it while you are signed in, or choose a new password by mail.",
);
pub const TOTP_EXISTS: Refusal =
    Refusal::conflict("totp-exists", "You have an authenticator app. Remove it first.");
pub const TOTP_NOT_STARTED: Refusal =
    Refusal::conflict("totp-not-started", "Begin to add an authenticator app first: POST /v1/auth/totp.");
pub const NO_TOTP: Refusal = Refusal::not_found("totp-not-found", "You have not added an authenticator app.");
pub const NO_SECOND_FACTOR: Refusal =
    Refusal::not_found("second-factor-not-found", "Your account has no second factor.");
pub const PROOF_NEEDED: Refusal = Refusal::unauthorized(
    "proof-needed",
    "Give the current password of the account, or send the access token of a session of the account.",
);
pub const TOKEN_OR_CODE: Refusal =
    Refusal::invalid("token-or-code", "Give either the token from the link, or the address and the code.");

pub const PASSWORD_LIKE_ACCOUNT: Refusal = Refusal::invalid(
    "password-like-account",
    "This password is the name or the address of the account. Choose another.",
);

/// For a code that is unknown, used up or expired, that was made for another browser, and for an account that cannot sign in.
pub const WRONG_SIGN_IN_CODE: Refusal = Refusal::unauthorized(
    "wrong-sign-in-code",
    "This code is wrong, used up or expired, belongs to another browser, or its account cannot sign in. Begin again.",
);
pub const CODE_OR_PASSKEY_CODE: Refusal = Refusal::invalid(
    "code-or-passkey-code",
    "Give either the code of an identity provider, or the code of a passkey.",
);
pub const NO_SUCH_PROVIDER: Refusal =
    Refusal::not_found("no-such-provider", "There is no identity provider with this name.");
pub const ACCOUNT_EXISTS: Refusal = Refusal::conflict(
    "account-exists",
    "An account has this address already. Sign in to it as before, and add the provider there; or use the link in the mail, if you \
     got one.",
);
pub const LINKED_ELSEWHERE: Refusal = Refusal::conflict(
    "linked-elsewhere",
    "This identity signs in to another account. Remove it there first.",
);
pub const PROVIDER_ADDRESS_NEEDED: Refusal = Refusal::conflict(
    "provider-address-needed",
    "The provider gave no usable e-mail address, so no account can be created. Register with an address, and add the provider then.",
);
pub const TOO_MANY_IDENTITIES: Refusal =
    Refusal::conflict("too-many-identities", "An account can have 20 identities. Remove one first.");

/// Returns the refusal of a token in a body.
pub fn invalid_token() -> ApiError {
    INVALID_TOKEN.at("/token")
}
