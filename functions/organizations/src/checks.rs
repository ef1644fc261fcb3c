//! Checks that several handlers make.

use shared::{
    ApiError,
    db::Tx,
    domain::{actor::Principal, permission::Role},
    store,
};

use crate::refusals;

/// Refuses a person whose own address is not proved: they may neither send mail in our name nor create an API key, which would
/// stay valid when the owner of the address takes the account over.
pub async fn require_proved_address(tx: &mut Tx, principal: &Principal) -> Result<(), ApiError> {
    let Some(id) = principal.user_id() else { return Ok(()) };
    let user = store::users::find(tx, id).await?;
    let proved = user.is_some_and(|user| user.email_verified_at.is_some());
    if proved { Ok(()) } else { Err(refusals::ADDRESS_NOT_PROVED.into()) }
}

/// Refuses to give or take `role`, if it is above the caller's `own`.
pub fn require_role_up_to(own: Role, role: Role) -> Result<(), ApiError> {
    if role > own { Err(refusals::ROLE_ABOVE_OWN.into()) } else { Ok(()) }
}
