//! Checks that several handlers make.

use shared::{ApiError, auth::member::Authority, domain::permission::Role};

use crate::refusals;

/// Refuses a user whose own address is not verified. Such a user may not send mail in the product's name; and may not create an API key,
/// because the key would stay valid when the owner of the address takes the account over.
pub fn require_proved_address(own: &Authority) -> Result<(), ApiError> {
    if own.has_verified_address { Ok(()) } else { Err(refusals::ADDRESS_NOT_PROVED.into()) }
}

/// Refuses to give or take a `role` that is above the caller's `own`.
pub fn require_role_up_to(own: Role, role: Role) -> Result<(), ApiError> {
    if role > own { Err(refusals::ROLE_ABOVE_OWN.into()) } else { Ok(()) }
}
