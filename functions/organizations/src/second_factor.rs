//! The second factor that an organization can require of its members.

use chrono::{DateTime, Utc};
use shared::{
    ApiError,
    auth::{
        Member, SignedIn,
        member::{ROLE_NEEDED, SECOND_FACTOR_NEEDED},
    },
    db::Tx,
    domain::{
        actor::Principal,
        permission::{Permission, Role},
    },
    store,
};

/// Refuses a change of the requirement by anyone but an owner with a recent sign-in. To switch it on, the owner's own session must have shown
/// two factors, so that the owner is not locked out.
pub async fn require_may_change<P: Permission>(
    tx: &mut Tx,
    member: &Member<P>,
    own: Role,
    from: Option<DateTime<Utc>>,
) -> Result<(), ApiError> {
    let Principal::User { id, session } = member.principal else { return Err(ROLE_NEEDED.into()) };
    if own < Role::Owner {
        return Err(ROLE_NEEDED.into());
    }
    member.require_fresh()?;
    if from.is_some() && !store::sessions::has_second_factor(tx, id, session).await? {
        return Err(SECOND_FACTOR_NEEDED.into());
    }
    Ok(())
}
