//! `POST /v1/auth/register`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    audit::{Action, Event},
    error::Problem,
    extract::Body,
    http::RequestInfo,
    ids::{OrganizationId, UserId},
    page::Data,
    store,
    text::{Email, Name, NewPassword},
};
use utoipa::ToSchema;

use crate::{
    AuthState, cookie,
    grant::{self, SignedIn, Transport},
    mails, refusals, throttle,
};

/// Who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    name: Name,
    email: Email,
    password: NewPassword,
    /// How the refresh token travels.
    #[serde(default)]
    transport: Transport,
}

/// Make an account.
///
/// Signs the person in, makes their personal organization, and mails them a link that proves the address.
#[utoipa::path(
    post, path = "/v1/auth/register", tag = "auth", operation_id = "register",
    request_body = NewUser,
    responses(
        (status = 201, description = "The account is made, and signed in.", body = Data<SignedIn>),
        (status = 403, description = "`foreign-origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email-taken`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn register(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Body(new): Body<NewUser>,
) -> Result<Response, ApiError> {
    if new.transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    // Each one is a mail to whatever address was given.
    throttle::attempt(&state, &format!("register:{}", new.email.as_ref()), &request).await?;
    state.signer.check().await?;
    let now = state.app.clock.now();
    let password_hash = state.passwords.hash(new.password.as_ref()).await?;
    let (verification, verification_hash) = mails::one_time_secret()?;
    let id = UserId::new();
    let (user, session, refresh) = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let user = store::users::insert(tx, id, &new.name, &new.email, &password_hash, now)
                .await
                .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
            let organization = OrganizationId::new();
            // The end of a UUIDv7 is random, and base32 of it is a slug.
            let slug = BASE32_NOPAD.encode(&organization.0.as_bytes()[6..]).to_lowercase();
            store::organizations::insert_personal(tx, organization, id, "Personal", &slug, now).await?;
            let expires = now + mails::VERIFICATION_LIFETIME;
            store::verification_tokens::insert(tx, id, new.email.as_ref(), &verification_hash, expires, now)
                .await?;
            let (session, refresh) = grant::open(&state, tx, id, new.transport, &request, now).await?;
            let event = Event::new(Action::UserRegistered, id, &request).through(session.id);
            store::audit_events::insert(tx, &event, now).await?;
            Ok((user, session, refresh))
        })
        .await?;
    mails::send_verification(&state, &new.email, new.name.as_ref(), &verification).await;
    let tokens = grant::tokens(&state, id, session.id, &refresh, new.transport, now).await?;
    let lives = session.expires_at - now;
    let body = SignedIn { user: user.into(), session, tokens };
    Ok(grant::respond(StatusCode::CREATED, body, &refresh, new.transport, lives))
}
