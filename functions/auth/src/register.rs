//! `POST /v1/auth/register`

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::Guest,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::{OrganizationId, UserId},
        input::{Email, Name, Slug},
        page::Data,
        password::NewPassword,
    },
    http::idempotency::{Create, IdempotencyKey},
    store::{self, organizations::NewOrganization, users::User, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    links::Link,
    refusals,
    sign_in::session_tokens::{self, SignedIn, Transport},
    throttle,
};

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    name: Name,
    email: Email,
    password: NewPassword,
    /// The place of the refresh token.
    #[serde(default)]
    transport: Transport,
}

/// Create an account.
///
/// Signs in, creates the user's personal organization, and mails a link that verifies the address.
#[utoipa::path(
    post, path = "/v1/auth/register", tag = "auth", operation_id = "register",
    request_body = NewUser, params(IdempotencyKey),
    responses(
        (status = 201, description = "The account is created, and the user is signed in.", body = Data<SignedIn>),
        (status = 403, description = "`foreign-origin`"),
        (status = 409, description = "`email-taken`"),
        (status = 422, description = "`password-like-account`"),
    ),
)]
pub async fn register(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Create { new, idempotent }: Create<NewUser>,
) -> Result<Response, ApiError> {
    new.transport.require_listed_origin(&headers, &state.app.config.web)?;
    let email = new.email.as_ref();
    if new.password.is_like(new.name.as_ref(), email) {
        return Err(refusals::PASSWORD_LIKE_ACCOUNT.at("/password"));
    }
    // Each request sends a mail to the address that it names.
    throttle::request(&state, "register", email, &request).await?;
    state.signer.check().await?;
    let hash = state.passwords.hash(new.password.as_ref())?;
    let link = Link::generate(Purpose::VerifyEmail)?;
    let guest = Guest { db: &state.app.db, name: format!("email:{}", email.to_lowercase()) };
    let register = idempotent.run(&guest, &state.app.sealer, async |tx| {
        let user = insert_user(tx, &new, &hash, &request).await?;
        link.insert(&state, tx, user.id, email).await?;
        Ok((session_tokens::sign_in(&state, tx, user, new.transport, &request).await?, ()))
    });
    let (response, registered) = register.await?;
    if registered.is_some() && throttle::may_mail(&state, "register", email).await? {
        link.send(&state, email).await;
    }
    Ok(response)
}

/// Adds the user and their personal organization.
async fn insert_user(
    tx: &mut Tx,
    new: &NewUser,
    password_hash: &str,
    request: &RequestInfo,
) -> Result<User, ApiError> {
    let user = store::users::insert(tx, UserId::new(), &new.name, &new.email, password_hash)
        .await
        .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
    let id = OrganizationId::new();
    let slug = Slug::of(id);
    let organization = NewOrganization {
        id,
        name: "Personal",
        slug: slug.as_ref(),
        logo: None,
        billing_email: None,
        personal_to: Some(user.id),
    };
    store::organizations::insert(tx, &organization, user.id).await?;
    store::audit_events::insert(tx, &Event::new(Action::UserRegistered, user.id, request)).await?;
    Ok(user)
}
