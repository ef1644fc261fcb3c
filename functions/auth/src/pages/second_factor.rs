//! The page of the second factor, after a magic link.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{ApiError, domain::actor::RequestInfo};
use url::form_urlencoded;

use super::{
    page::{Field, OwnForm, Question, show_success},
    routes::{SubmittedForm, Token, form_value, submit},
};
use crate::{
    AuthState,
    second_factors::Given,
    sign_in::{
        challenges::{ChallengeNeeded, verify},
        origin::Origin,
        session_tokens::{Opened, Transport},
    },
};

const CODE: Field = Field { label: "Code", name: "code", kind: "text", autocomplete: "one-time-code" };
pub const QUESTION: Question = Question {
    title: "One more step",
    text: "Enter the code that your authenticator app shows, or one of your recovery codes.",
    fields: &[CODE],
    button: "Sign in",
    reject: None,
};

#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
}

/// Leads to the page. Relative: the API may have a path before `/account`.
pub fn redirect(needed: &ChallengeNeeded) -> Response {
    let token = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", &needed.challenge.token)
        .finish();
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("second-factor?{token}"))]).into_response()
}

/// Shows that the sign-in is done, and sets its cookies.
pub fn show_signed_in(state: &AuthState, opened: Opened) -> Result<Response, ApiError> {
    let origins = &state.app.config.web.cors_origins;
    let next = origins.first().and_then(|origin| origin.to_str().ok());
    Ok(opened.show(show_success("Welcome", "You are signed in on this device.", next)?))
}

pub async fn answer(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    _: OwnForm,
    token: Token,
    form: SubmittedForm<CodeForm>,
) -> Result<Response, ApiError> {
    let form = match form_value(form) {
        Ok(form) => form,
        Err(problem) => return QUESTION.ask(Some(&problem), StatusCode::UNPROCESSABLE_ENTITY),
    };
    submit(QUESTION, token, async |token| {
        let (given, origin) = (Given::parse(&form.code), Origin::read(&headers, None));
        let opened = verify::sign_in(&state, &request, token, &given, Transport::Cookie, &origin).await?;
        show_signed_in(&state, opened)
    })
    .await
}
