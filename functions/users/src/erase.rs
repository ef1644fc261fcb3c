//! `POST /v1/users/{userId}/erase`

use axum::extract::State;
use shared::{
    ApiError,
    accounts::{
        departure::{Departure, LAST_OWNER},
        erasure,
        erasure_ledger::Attempt,
    },
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, page::Data},
    http::extract::Path,
    store,
};

use crate::{
    UsersState, refusals,
    user::{UserPath, UserResponse, UserView, lock, require_other, respond},
};

/// Erase a user (GDPR, article 17). This cannot be undone.
///
/// Overwrites every personal column, as the register of personal data says, and purges the organizations without another member. The
/// ids stay, but they identify nobody any more. A restore of an older backup erases the user again.
#[utoipa::path(
    post, path = "/v1/users/{userId}/erase", tag = "users", operation_id = "erase_user",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The erased user.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`legal-hold`, `user-erased`, `last-owner` or `own-account`"),
    ),
)]
pub async fn erase(
    State(state): State<UsersState>,
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    require_other(&administrator, id)?;
    let attempt = Attempt::new(&state.ledger);
    let erased = administrator.transaction(async |tx| {
        let user = lock(tx, &administrator, id).await?;
        if user.legal_hold_at.is_some() {
            return Err(refusals::LEGAL_HOLD.into());
        }
        let departure = Departure::decide(tx, id).await?;
        if !departure.ownerless().is_empty() {
            return Err(LAST_OWNER.into());
        }
        // Before anything is erased.
        attempt.append(&[id], tx.now()).await?;
        store::sessions::revoke_all(tx, id, None, "user_erased").await?;
        let event = administrator.caller.event(Action::UserErased).to(id.0);
        erasure::erase(tx, &user, &departure, &event).await?;
        let user = store::users::find_any(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?;
        attempt.set_done();
        Ok(user)
    });
    let erased = erased.await;
    attempt.finish(erased.is_ok()).await;
    Ok(respond(erased?))
}
