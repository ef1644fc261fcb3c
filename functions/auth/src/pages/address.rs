//! The pages about an account's e-mail address.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Guest,
    crypto::one_time_token::OneTimeToken,
    domain::{actor::RequestInfo, password::Password},
    store::{self, verification_tokens::Purpose},
};

use super::{
    page::{Field, OwnForm, Question, show_success},
    routes::{SubmittedForm, Token, form_value, submit},
};
use crate::{AuthState, email, sign_in};

const CURRENT_PASSWORD: Field =
    Field { label: "Password", name: "currentPassword", kind: "password", autocomplete: "current-password" };
const NOT_ME: &str = "This was not me";

const VERIFY_EMAIL: Question = Question {
    title: "Confirm your e-mail address",
    text: "Press the button to confirm that this address is yours.",
    fields: &[],
    button: "Confirm",
    reject: Some(NOT_ME),
};
const CONFIRM_EMAIL: Question = Question {
    title: "Move your account",
    text: "Enter the password of your account to move it to this address.",
    fields: &[CURRENT_PASSWORD],
    button: "Move",
    reject: Some(NOT_ME),
};
pub const UNDO_EMAIL_CHANGE: Question = Question {
    title: "Take your account back",
    text: "Press the button to move your account back to this address. Its password is removed, and it is signed out everywhere.",
    fields: &[],
    button: "Take back",
    reject: None,
};

pub const REJECT_SIGN_IN: Question = Question {
    title: "This was not you?",
    text: "Press the button if you did not sign in yourself. Your account is signed out everywhere, and its password is removed. You get a mail with a \
           link for a new one.",
    fields: &[],
    button: NOT_ME,
    reject: None,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerForm {
    current_password: Option<String>,
    answer: Option<String>,
}

impl AnswerForm {
    fn is_rejection(&self) -> bool {
        self.answer.as_deref() == Some("reject")
    }
}

/// Shows `question` with the account of the token. It shows no name: a stranger may have chosen it.
async fn ask_with_account(
    state: &AuthState,
    question: Question,
    purpose: Purpose,
    token: Token,
) -> Result<Response, ApiError> {
    let find = state.app.db.transaction(async |tx| {
        let Ok(token) = OneTimeToken::try_from(token.0.clone()) else { return Ok(None) };
        let user = store::users::find_by_token(tx, purpose, &token.hash()).await?;
        Ok(user.filter(|user| user.deleted_at.is_none()))
    });
    let about = find.await?.map(|user| {
        format!("It is the account of {}, created on {}.", user.email, user.created_at.format("%Y-%m-%d"))
    });
    question.ask_about(about.as_deref(), None, StatusCode::OK)
}

pub async fn ask_verify_email(State(state): State<AuthState>, token: Token) -> Result<Response, ApiError> {
    ask_with_account(&state, VERIFY_EMAIL, Purpose::VerifyEmail, token).await
}

pub async fn ask_confirm_email(State(state): State<AuthState>, token: Token) -> Result<Response, ApiError> {
    ask_with_account(&state, CONFIRM_EMAIL, Purpose::ChangeEmail, token).await
}

pub async fn verify_email(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
    form: SubmittedForm<AnswerForm>,
) -> Result<Response, ApiError> {
    let form = match form_value(form) {
        Ok(form) => form,
        Err(problem) => return VERIFY_EMAIL.ask(Some(&problem), StatusCode::UNPROCESSABLE_ENTITY),
    };
    submit(VERIFY_EMAIL, token, async |token| {
        if form.is_rejection() {
            return reject(&state, &request, token).await;
        }
        let guest = Guest { db: &state.app.db, name: String::new() };
        email::verify::redeem(&guest, None, &request, token).await?;
        show_success("Thank you", "Your e-mail address is confirmed.", None)
    })
    .await
}

async fn reject(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
) -> Result<Response, ApiError> {
    email::reject::redeem(state, request, token).await?;
    show_success(
        "Thank you",
        "The link does not work any more. No account keeps this address because of it.",
        None,
    )
}

pub async fn confirm_email(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
    form: SubmittedForm<AnswerForm>,
) -> Result<Response, ApiError> {
    let form = match form_value(form) {
        Ok(form) => form,
        Err(problem) => return CONFIRM_EMAIL.ask(Some(&problem), StatusCode::UNPROCESSABLE_ENTITY),
    };
    submit(CONFIRM_EMAIL, token, async |token| {
        if form.is_rejection() {
            return reject(&state, &request, token).await;
        }
        let password = form.current_password.clone().and_then(|password| Password::try_from(password).ok());
        email::confirm::redeem_with_password(&state, &request, token, password.as_ref()).await?;
        show_success("Done", "Your account has this address now. Sign in with it.", None)
    })
    .await
}

pub async fn undo_email_change(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
) -> Result<Response, ApiError> {
    submit(UNDO_EMAIL_CHANGE, token, async |token| {
        email::undo::redeem(&state, &request, token).await?;
        show_success(
            "Done",
            "Your account has this address again. Choose a new password to sign in with it.",
            None,
        )
    })
    .await
}

pub async fn reject_sign_in(
    State(state): State<AuthState>,
    request: RequestInfo,
    _: OwnForm,
    token: Token,
) -> Result<Response, ApiError> {
    submit(REJECT_SIGN_IN, token, async |token| {
        sign_in::reject::redeem(&state, &request, token).await?;
        show_success(
            "Done",
            "Your account is signed out everywhere and has no password. Choose a new one with the link that we have just mailed to you.",
            None,
        )
    })
    .await
}
