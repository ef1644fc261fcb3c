//! `POST /v1/auth/register`

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    audit::{Action, Event},
    db::Tx,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey},
    ids::{OrganizationId, UserId},
    one_time::OneTimeToken,
    page::Data,
    store::{
        self,
        organizations::NewOrganization,
        verification_tokens::{NewToken, Purpose},
    },
    text::{Email, Name, NewPassword, Slug},
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
    request_body = NewUser, params(IdempotencyKey),
    responses(
        (status = 201, description = "The account is made, and signed in.", body = Data<SignedIn>),
        (status = 403, description = "`foreign-origin`"),
        (status = 409, description = "`email-taken`"),
    ),
)]
pub async fn register(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Create { new, once }: Create<NewUser>,
) -> Result<Response, ApiError> {
    if new.transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    let email = new.email.as_ref();
    // Each one is a mail to whatever address was given.
    throttle::request(&state, "register", email, &request).await?;
    state.signer.check().await?;
    let now = state.app.clock.now();
    let password_hash = state.passwords.hash(new.password.as_ref())?;
    let token = OneTimeToken::generate()?;
    let (response, registered) = once
        .run(&state.app, &format!("email:{}", email.to_lowercase()), async |tx| {
            let id = UserId::new();
            let user = store::users::insert(tx, id, &new.name, &new.email, &password_hash, now)
                .await
                .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
            insert_personal(tx, id, now).await?;
            let proof = NewToken {
                purpose: Purpose::VerifyEmail,
                user: id,
                email,
                token_hash: &token.hash(),
                code_hash: None,
                expires_at: now + mails::VERIFICATION_LIFETIME,
            };
            store::verification_tokens::insert(tx, &proof, now).await?;
            store::audit_events::insert(tx, &Event::new(Action::UserRegistered, id, &request), now).await?;
            Ok((grant::sign_in(&state, tx, user, new.transport, &request, now).await?, ()))
        })
        .await?;
    if registered.is_some() && throttle::may_mail(&state, "register", email).await? {
        mails::send_verification(&state, email, new.name.as_ref(), &token).await;
    }
    Ok(response)
}

/// The space that is the person's own.
async fn insert_personal(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let id = OrganizationId::new();
    let slug = Slug::of(id);
    let new = NewOrganization {
        id,
        name: "Personal",
        slug: slug.as_ref(),
        logo: None,
        billing_email: None,
        personal_to: Some(user),
    };
    store::organizations::insert(tx, &new, user, now).await?;
    Ok(())
}
