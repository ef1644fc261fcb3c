//! `POST /v1/auth/login`

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    error::Problem,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey},
    page::Data,
    store,
    text::{Email, Password},
};
use utoipa::ToSchema;

use crate::{
    AuthState, cookie,
    grant::{self, SignedIn, Transport},
    refusals, throttle,
};

/// Who they say they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: Email,
    password: Password,
    /// How the refresh token travels.
    #[serde(default)]
    transport: Transport,
}

/// Sign in with a password.
///
/// A wrong password, an unknown address, a suspended and a deleted account get the same answer after the same work.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "login",
    request_body = Credentials, params(IdempotencyKey),
    responses(
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 401, description = "`wrong-credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`foreign-origin`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn login(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Create { new: given, once }: Create<Credentials>,
) -> Result<Response, ApiError> {
    if given.transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    let attempt = throttle::attempt(&state, given.email.as_ref(), &request).await?;
    state.signer.check().await?;
    let now = state.app.clock.now();
    let db = &state.app.db;
    let found = db
        .transaction(async |tx| anyhow::Ok(store::users::credentials_by_email(tx, &given.email).await?))
        .await?;
    let (actor, stored) = found.map_or((None, None), |user| (Some(user.id), user.password_hash));
    let verified = state.passwords.verify(&given.password, stored.as_deref()).await?;
    let better = if verified.matches && verified.outdated {
        Some(state.passwords.hash(&given.password).await?)
    } else {
        None
    };

    let (true, Some(id), Some(seen)) = (verified.matches, actor, stored.as_deref()) else {
        let event = Event { denied: true, actor, ..Event::anonymous(Action::SessionCreated, &request) };
        db.transaction(async |tx| anyhow::Ok(store::audit_events::insert(tx, &event, now).await?)).await?;
        return Err(refusals::WRONG_CREDENTIALS.into());
    };
    let (response, _) = once
        .run(&state.app, &format!("user:{id}"), async |tx| {
            let held = match &better {
                Some(better) => store::users::replace_password(tx, id, seen, better, now).await?,
                None => store::users::hold_password(tx, id, seen).await?,
            };
            let user = if held { store::users::find(tx, id).await? } else { None };
            let user = user.ok_or_else(|| refusals::JUST_CHANGED.retry_after(Duration::from_secs(1)))?;
            Ok((grant::sign_in(&state, tx, user, given.transport, &request, now).await?, ()))
        })
        .await?;
    attempt.succeeded(&state).await;
    Ok(response)
}
