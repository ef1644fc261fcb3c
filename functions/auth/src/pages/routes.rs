//! The routes of the pages.

use std::convert::Infallible;

use axum::{
    Form, Router,
    extract::{FromRequestParts, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use shared::{
    ApiError,
    accounts::invitation::{self, Invited},
    crypto::one_time_token::OneTimeToken,
    domain::{
        actor::RequestInfo,
        input::Email,
        password::{NewPassword, Password},
    },
    store,
};
use url::form_urlencoded;

use super::{
    address, identity,
    page::{Field, OwnForm, Question, show_success},
    second_factor, signed_in,
};
use crate::{
    AuthState,
    password::reset,
    refusals::{self, INVALID_TOKEN},
    sign_in::{
        device::Device,
        first_step::FirstAnswer,
        login,
        magic_links::verify::{Proof, sign_in},
        origin::Origin,
        session_tokens::Transport,
    },
};

const NEW_PASSWORD: Field =
    Field { label: "New password", name: "newPassword", kind: "password", autocomplete: "new-password" };
const EMAIL: Field =
    Field { label: "E-mail address", name: "email", kind: "email", autocomplete: "username" };
const PASSWORD: Field =
    Field { label: "Password", name: "password", kind: "password", autocomplete: "current-password" };
const RESET_PASSWORD: Question = Question {
    title: "Choose a new password",
    text: "At least 8 characters. You will be signed out everywhere.",
    fields: &[NEW_PASSWORD],
    button: "Change password",
    reject: None,
};
const MAGIC_LINK: Question = Question {
    title: "Sign in",
    text: "Press the button to sign in on this device.",
    fields: &[],
    button: "Sign in",
    reject: None,
};
const INVITATION: Question = Question {
    title: "Join an organization",
    text: "Sign in with the account of the address that was invited. No account yet? Make one with this address, confirm it, \
           and open this link again.",
    fields: &[EMAIL, PASSWORD],
    button: "Join",
    reject: None,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewPasswordForm {
    new_password: NewPassword,
}

#[derive(Deserialize)]
struct SignInForm {
    email: Email,
    password: Password,
}

pub type SubmittedForm<T> = Result<Form<T>, FormRejection>;

pub fn routes() -> Router<AuthState> {
    let page = |question: Question| get(async move || question.ask(None, StatusCode::OK));
    Router::new()
        .route("/account/verify-email", get(address::ask_verify_email).post(address::verify_email))
        .route("/account/reset-password", page(RESET_PASSWORD).post(reset_password))
        .route("/account/confirm-email", get(address::ask_confirm_email).post(address::confirm_email))
        .route(
            "/account/undo-email-change",
            page(address::UNDO_EMAIL_CHANGE).post(address::undo_email_change),
        )
        .route("/account/reject-sign-in", page(address::REJECT_SIGN_IN).post(address::reject_sign_in))
        .route("/account/magic-link", page(MAGIC_LINK).post(magic_link))
        .route("/account/second-factor", page(second_factor::QUESTION).post(second_factor::answer))
        .route("/account/link-identity", get(identity::ask).post(identity::link))
        .route("/account/signed-in", get(signed_in::ask).post(signed_in::exchange))
        .route("/account/invitation", page(INVITATION).post(invitation))
}

/// The token in the link. A form is sent to the URL of its page, so its request has the token too.
pub struct Token(pub String);

impl<S: Sync> FromRequestParts<S> for Token {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let token = query.into_iter().find(|(name, _)| name == "token");
        Ok(Self(token.map(|(_, token)| token.into_owned()).unwrap_or_default()))
    }
}

/// Does `work` with the token. Shows the question again if it is refused.
pub async fn submit(
    question: Question,
    token: Token,
    work: impl AsyncFnOnce(&OneTimeToken) -> Result<Response, ApiError>,
) -> Result<Response, ApiError> {
    let Ok(secret) = OneTimeToken::try_from(token.0) else {
        return question.ask_again(INVALID_TOKEN.into());
    };
    match work(&secret).await {
        Ok(page) => Ok(page),
        Err(error) => question.ask_again(error),
    }
}

/// Returns the content of the form, or the problem with it.
pub fn form_value<T>(form: SubmittedForm<T>) -> Result<T, String> {
    use std::error::Error;
    form.map(|Form(form)| form)
        .map_err(|rejection| rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string))
}

async fn reset_password(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
    form: SubmittedForm<NewPasswordForm>,
) -> Result<Response, ApiError> {
    let form = match form_value(form) {
        Ok(form) => form,
        Err(problem) => return RESET_PASSWORD.ask(Some(&problem), StatusCode::UNPROCESSABLE_ENTITY),
    };
    submit(RESET_PASSWORD, token, async |token| {
        reset::redeem(&state, &request, token, &form.new_password).await?;
        show_success("Done", "Your password is changed. Sign in with it.", None)
    })
    .await
}

async fn magic_link(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    _: OwnForm,
    token: Token,
) -> Result<Response, ApiError> {
    submit(MAGIC_LINK, token, async |token| {
        let proof = Proof::Token(token.clone());
        let origin = Origin::read(&headers, None);
        show_first_answer(&state, sign_in(&state, &request, &proof, Transport::Cookie, &origin).await?)
    })
    .await
}

/// Shows that the sign-in is done, or leads to its second step.
pub fn show_first_answer(state: &AuthState, answer: FirstAnswer) -> Result<Response, ApiError> {
    match answer {
        FirstAnswer::SignedIn(opened) => second_factor::show_signed_in(state, *opened),
        FirstAnswer::ChallengeNeeded(needed) => Ok(second_factor::redirect(&needed)),
    }
}

async fn invitation(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    _: OwnForm,
    token: Token,
    form: SubmittedForm<SignInForm>,
) -> Result<Response, ApiError> {
    let form = match form_value(form) {
        Ok(form) => form,
        Err(problem) => return INVITATION.ask(Some(&problem), StatusCode::UNPROCESSABLE_ENTITY),
    };
    submit(INVITATION, token, async |token| {
        let SignInForm { email, password } = &form;
        let origin = Origin::read(&headers, None);
        let device = Device::read(&state, email.as_ref(), &origin).await?;
        let verified = login::verify_password(&state, &request, email, password, device.as_ref()).await?;
        let joined = state.app.db.transaction(async |tx| {
            // Before the shared lock of the password: joining needs the stronger lock.
            store::users::lock(tx, verified.user).await?;
            let user = verified.lock(tx).await?;
            if user.second_factor_at.is_some() {
                return Err(refusals::SECOND_FACTOR_NEEDED.into());
            }
            let who = Invited { user: user.id, session: None, request: &request };
            invitation::accept(tx, &who, token).await
        });
        let joined = joined.await;
        // Also after a refusal: the password was right.
        verified.attempt.succeed(&state).await;
        show_success("Welcome", &format!("You belong to “{}” now.", joined?.name), None)
    })
    .await
}
