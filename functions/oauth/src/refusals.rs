//! The refusals of this function.

use shared::{Refusal, TooMany};

pub const NO_SUCH_PROVIDER: Refusal =
    Refusal::not_found("no-such-provider", "There is no identity provider with this name.");
pub const PROVIDER_UNAVAILABLE: Refusal = Refusal::unavailable(
    "provider-unavailable",
    "The identity provider does not answer right now. Try again later, or sign in in another way.",
);
pub const TOO_MANY_SIGN_INS: TooMany =
    TooMany::new("too-many-attempts", "Too many sign-ins have begun here. Wait for the time in Retry-After.");
