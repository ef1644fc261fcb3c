//! `/v1/users/{userId}/legal-hold`: what a court may need is not erased (GDPR, article 17(3)(e)).

pub mod lift;
pub mod place;

use shared::{
    ApiError, AppState,
    auth::Administrator,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
    },
    store::{self, users::User},
};

use crate::{refusals, user::hold};

/// Places a hold for a reason, or lifts it when there is none.
async fn set(
    state: &AppState,
    administrator: &Administrator,
    request: &RequestInfo,
    id: UserId,
    reason: Option<&str>,
) -> Result<User, ApiError> {
    let caller = &administrator.0;
    if id == caller.user {
        return Err(refusals::OWN_ACCOUNT.into());
    }
    let now = state.clock.now();
    let action = if reason.is_some() { Action::LegalHoldPlaced } else { Action::LegalHoldLifted };
    state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            hold(tx, id).await?;
            let user = store::users::set_legal_hold(tx, id, reason, now).await?;
            let event = Event::new(action, caller.user, request).through(caller.session);
            store::audit_events::insert(tx, &event.to(id.0), now).await?;
            Ok(user.ok_or(refusals::NO_SUCH_USER)?)
        })
        .await
}
