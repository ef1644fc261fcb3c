//! The refusals of this function.

use shared::{Refusal, TooMany};

pub const NO_SUCH_PROVIDER: Refusal =
    Refusal::not_found("no-such-provider", "There is no identity provider with this name.");
pub const PROVIDER_UNAVAILABLE: Refusal = Refusal::unavailable(
    "provider-unavailable",
    "The identity provider does not answer right now. Try again later, or sign in in another way.",
);
/// For a credential that is unknown or does not verify, a ceremony that is unknown, used up or expired, and an account that cannot sign in.
pub const WRONG_PASSKEY: Refusal = Refusal::unauthorized(
    "wrong-passkey",
    "This passkey does not sign in here, or the sign-in has expired or was used before. Begin again.",
);
pub const PASSKEY_NOT_VALID: Refusal = Refusal::invalid(
    "passkey-not-valid",
    "This passkey was not made for this request, or the request has expired or was used before. Begin again.",
);
pub const PASSKEY_EXISTS: Refusal =
    Refusal::conflict("passkey-exists", "This passkey signs in to an account already.");
pub const TOO_MANY_PASSKEYS: Refusal =
    Refusal::conflict("too-many-passkeys", "An account can have 20 passkeys. Remove one first.");
pub const ADDRESS_NOT_PROVED: Refusal = Refusal::forbidden(
    "address-not-proved",
    "Prove your address first: confirm it while you are signed in, or choose a new password by mail.",
);
pub const TOO_MANY_ATTEMPTS: TooMany =
    TooMany::new("too-many-attempts", "Too many attempts. Wait for the time in Retry-After.");
pub const TOO_MANY_SIGN_INS: TooMany =
    TooMany::new("too-many-attempts", "Too many sign-ins have begun here. Wait for the time in Retry-After.");
