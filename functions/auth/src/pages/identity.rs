//! The page that adds an identity to an account.

use axum::{extract::State, http::StatusCode, response::Response};
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    domain::actor::RequestInfo,
    store::{self, verification_tokens::Purpose},
};

use super::{
    page::{OwnForm, Question, show_success},
    routes::{Token, submit},
};
use crate::{AuthState, sign_in::oauth};

const LINK_IDENTITY: Question = Question {
    title: "Add a way to sign in",
    text: "Press the button only if you have just signed in with this provider yourself.",
    fields: &[],
    button: "Add it to my account",
    reject: None,
};

/// Asks, and says which provider is added to which account.
pub async fn ask(State(state): State<AuthState>, token: Token) -> Result<Response, ApiError> {
    let find = state.app.db.transaction(async |tx| {
        let Ok(token) = OneTimeToken::try_from(token.0.clone()) else { return Ok(None) };
        let hash = token.hash();
        let user = store::users::find_by_token(tx, Purpose::LinkIdentity, &hash).await?;
        let Some(user) = user.filter(|user| user.deleted_at.is_none()) else { return Ok(None) };
        let flow = store::oauth_flows::find_offered(tx, user.id, &hash).await?;
        Ok(flow.map(|flow| (user.email, flow.provider)))
    });
    let about = find.await?.map(|(email, provider)| {
        format!("{} will sign in to the account of {email}.", oauth::label(&state, &provider))
    });
    LINK_IDENTITY.ask_about(about.as_deref(), None, StatusCode::OK)
}

pub async fn link(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
) -> Result<Response, ApiError> {
    submit(LINK_IDENTITY, token, async |token| {
        oauth::confirm::redeem(&state, &request, token).await?;
        show_success("Done", "The provider signs in to your account now.", None)
    })
    .await
}
