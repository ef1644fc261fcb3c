//! `POST /v1/users/{userId}/erase`

use axum::extract::State;
use shared::{
    ApiError,
    account::{LAST_OWNER, Leaving},
    audit::{Action, Event},
    auth::{Administrator, session},
    erasure, erasure_ledger,
    extract::Path,
    http::RequestInfo,
    ids::UserId,
    page::Data,
    store,
};

use crate::{
    UsersState, refusals,
    user::{Shown, UserView, hold, shown},
};

/// Erase a user, now and for good (GDPR, article 17).
///
/// Every personal column is overwritten, as the register of personal data says; what stays is an id that leads to nobody.
/// Restoring an older backup does not bring them back.
#[utoipa::path(
    post, path = "/v1/users/{userId}/erase", tag = "users", operation_id = "erase_user",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "What is left.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`legal-hold`, `user-erased`, `last-owner` or `own-account`"),
    ),
)]
pub async fn erase(
    State(state): State<UsersState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
) -> Result<Shown, ApiError> {
    let caller = &administrator.0;
    if id == caller.user {
        return Err(refusals::OWN_ACCOUNT.into());
    }
    let now = state.app.clock.now();
    let (user, ended) = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            let user = hold(tx, id).await?;
            if user.legal_hold_at.is_some() {
                return Err(refusals::LEGAL_HOLD.into());
            }
            let leaving = Leaving::decide(tx, id).await?;
            if !leaving.ownerless().is_empty() {
                return Err(LAST_OWNER.into());
            }
            // Before anything is destroyed: whoever is erased is in the ledger.
            erasure_ledger::append(&state.ledger, &[id], now).await?;
            let event =
                Event::new(Action::UserErased, caller.user, &request).through(caller.session).to(id.0);
            let ended = store::sessions::revoke_all(tx, id, None, "user_erased", now).await?;
            erasure::erase(tx, &user, &leaving, &event, now).await?;
            Ok((store::users::find_any(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?, ended))
        })
        .await?;
    session::forget(&state.app, &ended).await;
    Ok(shown(user))
}
