//! Who has not proved their address sends no mail in our name, and makes no keys that would outlive the true owner's return.

use shared::{ApiError, db::Tx, domain::actor::Principal, store};

use crate::refusals;

/// Refuses a person whose address is not proved.
pub async fn require_proved_address(tx: &mut Tx, principal: &Principal) -> Result<(), ApiError> {
    if let Principal::User { id, .. } = principal {
        let user = store::users::find(tx, *id).await?;
        if user.is_none_or(|user| user.email_verified_at.is_none()) {
            return Err(refusals::ADDRESS_NOT_PROVED.into());
        }
    }
    Ok(())
}
