//! `POST /v1/auth/register`

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError, OnConstraint,
    auth::Guest,
    domain::{
        actor::RequestInfo,
        factor::Factor,
        input::{Email, Name},
        page::Data,
        parse::or_default,
        password::NewPassword,
    },
    http::idempotency::{Create, Created, IdempotencyKey, Idempotent, REUSED},
    store::{
        users::{self, User},
        verification_tokens::Purpose,
    },
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    links::Link,
    me::Profile,
    refusals,
    sessions::SessionView,
    sign_in::{
        origin::Origin,
        session_tokens::{self, Transport},
    },
    throttle::{self, Guesser},
};

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    name: Name,
    email: Email,
    password: NewPassword,
    /// The place of the refresh token.
    #[serde(default, deserialize_with = "or_default")]
    transport: Transport,
}

/// A new account. A repeated request with the same `Idempotency-Key` gets the user only, without a session: sign in with the password.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The user's profile.
    pub user: Profile,
    /// The new session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    session: Option<SessionView>,
    /// A JWT; send it as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 8192)]
    access_token: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Bearer", max_length = 6)]
    token_type: Option<&'static str>,
    /// The lifetime of the access token in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 900, maximum = 10_000_000_000_000i64)]
    expires_in: Option<u64>,
    /// Opaque. Exchange it for new tokens at `/v1/auth/refresh` before the session expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 99, max_length = 99)]
    refresh_token: Option<String>,
    /// Makes this device known for a year: send it with the next sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 78, max_length = 78)]
    device_token: Option<String>,
}

impl From<User> for Registered {
    /// Builds the response to a repeated request.
    fn from(user: User) -> Self {
        Self {
            user: user.into(),
            session: None,
            access_token: None,
            token_type: None,
            expires_in: None,
            refresh_token: None,
            device_token: None,
        }
    }
}

/// Create an account.
///
/// Signs in, creates the user's personal organization, and mails a link that verifies the address.
#[utoipa::path(
    post, path = "/v1/auth/register", tag = "auth", operation_id = "register",
    request_body = NewUser, params(IdempotencyKey),
    responses(
        (status = 201, description = "The account is created, and the user is signed in.", body = Data<Registered>),
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
    // A replay compares the password in the body with the stored one, so it is a guess for somebody who knows the key.
    let guess = if idempotent.is_keyed() {
        let account = format!("register:{email}");
        Some(throttle::attempt(&state, &account, Guesser::Source(&request)).await?)
    } else {
        None
    };
    let created = create(&state, &request, &new, idempotent).await;
    let wrong = created.as_ref().is_err_and(|error| REUSED.is(error));
    if let Some(guess) = guess.filter(|_| !wrong) {
        guess.take_back(&state).await;
    }
    created
}

/// Creates the account, or returns the response of the first request.
async fn create(
    state: &AuthState,
    request: &RequestInfo,
    new: &NewUser,
    idempotent: Idempotent,
) -> Result<Response, ApiError> {
    let email = new.email.as_ref();
    // Each request sends a mail to the address that it names.
    let counts = throttle::request(state, "register", email, request).await?;
    state.signer.check().await?;
    let hash = state.passwords.hash(new.password.as_ref())?;
    let link = Link::generate(Purpose::VerifyEmail)?;
    let guest = Guest { db: &state.app.db, name: format!("registration:{}", email.to_lowercase()) };
    let register = idempotent.run(&guest, &state.app.sealer, async |tx| {
        let row = users::NewUser {
            name: &new.name,
            email: &new.email,
            password_hash: Some(&hash),
            email_proved: false,
            request,
        };
        let user = users::register(tx, &row).await.on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
        link.insert(state, tx, user.id, email).await?;
        let (stored, mailbox) = (Created::new(Registered::from(user.clone()))?, user.mailbox());
        let (factors, origin) = ([Factor::Password], Origin::default());
        let opening =
            session_tokens::sign_in(state, tx, user, &factors, new.transport, request, &origin).await?;
        Ok((stored, (opening, mailbox)))
    });
    match register.await? {
        (_, Some((opening, mailbox))) => {
            if throttle::may_mail(state, Purpose::VerifyEmail, email).await? {
                link.send(state, &mailbox).await;
            }
            Ok(opening.committed(state).await.into_response())
        }
        (replay, None) => {
            state.app.rate_limiter.take_back(&counts).await;
            Ok(replay)
        }
    }
}
