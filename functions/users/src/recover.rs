//! `POST /v1/users/{userId}/recover`

use axum::extract::State;
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::{Actor, Administrator, Fresh},
    crypto::one_time_token::OneTimeToken,
    domain::{audit::Action, input::Email, page::Data},
    http::extract::{Body, Path},
    mail::{letters, message},
    store::{
        self,
        verification_tokens::{NewToken, Purpose},
    },
};
use utoipa::ToSchema;

use crate::{
    UsersState, refusals,
    user::{UserPath, UserResponse, UserView, lock_living, require_other, respond},
};

/// The address of the owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The address to which the account moves; absent if the account still has the owner's address.
    email: Option<Email>,
}

/// Give a taken-over account back to its owner.
///
/// Removes the password, the second factors, all identities and passkeys, ends all sessions, and invalidates all mailed links and codes. With
/// `email`, moves the account to that address, which is then not verified. Mails the account's address a link that sets a new password. A suspended user stays suspended: the link works
/// when the user is restored.
#[utoipa::path(
    post, path = "/v1/users/{userId}/recover", tag = "users", operation_id = "recover_user",
    request_body = Recovery, params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "Only the reader of the address can sign in.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased`, `email-taken` or `own-account`"),
    ),
)]
pub async fn recover(
    State(state): State<UsersState>,
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    Body(recovery): Body<Recovery>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    require_other(&administrator, id)?;
    let (token, email) = (OneTimeToken::generate()?, recovery.email.as_ref().map(AsRef::as_ref));
    let recovered = administrator.transaction(async |tx| {
        let before = lock_living(tx, &administrator, id).await?;
        if before.second_factor_at.is_some() {
            // The thief may have added it.
            store::users::remove_second_factors(tx, id).await?;
            administrator.audit(tx, Action::SecondFactorRemoved, id).await?;
        }
        let user = store::users::recover(tx, id, email)
            .await
            .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
            .ok_or(refusals::NO_SUCH_USER)?;
        store::identities::remove_all(tx, id).await?;
        store::passkeys::remove_all(tx, id).await?;
        // Also the links that undo a change of address: the thief may have one.
        store::verification_tokens::withdraw(tx, id, Purpose::ALL).await?;
        store::sessions::revoke_all(tx, id, None, "user_recovered").await?;
        let way_in = NewToken {
            purpose: Purpose::ResetPassword,
            user: id,
            email: &user.email,
            token_hash: &token.hash(),
            code_hash: None,
        };
        store::verification_tokens::insert(tx, &way_in).await?;
        administrator.audit(tx, Action::UserRecovered, id).await?;
        Ok(user)
    });
    let user = recovered.await?;
    let letter = letters::recovery(&state.app.config.web.app_url, &token);
    message::send(&*state.mailer, &user.mailbox(), letter).await;
    Ok(respond(user))
}
