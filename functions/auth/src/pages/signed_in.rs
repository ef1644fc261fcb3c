//! The page to which a sign-in with an identity provider returns. The code is in the fragment of its address, which no server and no log sees,
//! so the page needs a script: it puts the code into the form and sends it.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use shared::{
    ApiError, auth::Guest, crypto::one_time_token::OneTimeToken, domain::actor::RequestInfo,
    http::cookie::FLOW,
};

use super::{
    page::{OwnForm, STYLE, show_success},
    routes::{SubmittedForm, show_first_answer},
};
use crate::{
    AuthState, refusals,
    sign_in::{
        oauth::exchange::{Exchange, Exchanged},
        origin::Origin,
        session_tokens::Transport,
    },
};

const SCRIPT: &str = include_str!("../../templates/signed-in.js");

/// Allows this one style and this one script, and forms to this origin.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64.encode(digest(&SHA256, text.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

#[derive(Template)]
#[template(path = "signed-in.html")]
struct Page<'a> {
    problem: Option<&'a str>,
}

#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
}

pub async fn ask() -> Result<Response, ApiError> {
    render(StatusCode::OK, None)
}

fn render(status: StatusCode, problem: Option<&str>) -> Result<Response, ApiError> {
    let html = Page { problem }.render().map_err(anyhow::Error::from)?;
    let headers =
        [(header::CONTENT_SECURITY_POLICY, POLICY.as_str()), (header::REFERRER_POLICY, "same-origin")];
    Ok((status, headers, Html(html)).into_response())
}

/// Exchanges the code. An identity cannot be linked here: that needs an access token.
pub async fn exchange(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    _: OwnForm,
    form: SubmittedForm<CodeForm>,
) -> Result<Response, ApiError> {
    let code = form.ok().and_then(|Form(form)| OneTimeToken::try_from(form.code).ok());
    let browser = FLOW.read(&headers).and_then(|cookie| OneTimeToken::try_from(cookie).ok());
    let Some((code, browser)) = code.zip(browser) else {
        return render(StatusCode::UNAUTHORIZED, Some(refusals::WRONG_SIGN_IN_CODE.message));
    };
    let (caller, transport, origin) = (None, Transport::Cookie, Origin::read(&headers, None));
    let exchange = Exchange { state: &state, caller, request: &request, code, browser, transport, origin };
    let guest = Guest { db: &state.app.db, name: String::new() };
    match exchange.run(&guest).await {
        Ok(Exchanged::SignedIn(answer)) => show_first_answer(&state, answer),
        Ok(Exchanged::Linked) => show_success("Done", "The provider signs in to your account now.", None),
        Err(error) => match error.refusal() {
            Some((status, message)) => render(status, Some(message)),
            None => Err(error),
        },
    }
}
