//! The look of a page.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use shared::ApiError;

use crate::{AuthState, refusals};

pub const STYLE: &str = include_str!("../../templates/page.css");

/// Allows this one style, and forms to this origin.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// An input of a form.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub label: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    pub autocomplete: &'static str,
}

/// A page with a form.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub title: &'static str,
    pub text: &'static str,
    pub fields: &'static [Field],
    pub button: &'static str,
    /// A second button, which sends `answer=reject` and needs no field.
    pub reject: Option<&'static str>,
}

#[derive(Default, Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
    about: Option<&'a str>,
    problem: Option<&'a str>,
    fields: &'a [Field],
    button: Option<&'a str>,
    reject: Option<&'a str>,
    next: Option<&'a str>,
}

impl Question {
    /// Renders the page with its button, and the problem of the last attempt.
    pub fn ask(&self, problem: Option<&str>, status: StatusCode) -> Result<Response, ApiError> {
        self.ask_about(None, problem, status)
    }

    /// Renders the page with a text about the account, too.
    pub fn ask_about(
        &self,
        about: Option<&str>,
        problem: Option<&str>,
        status: StatusCode,
    ) -> Result<Response, ApiError> {
        let Self { title, text, fields, button, reject } = *self;
        render(
            status,
            &Page { title, text, about, problem, fields, button: Some(button), reject, next: None },
        )
    }

    /// Renders the page with a refusal, so that the user can try again. Returns an error that is not a refusal.
    pub fn ask_again(&self, error: ApiError) -> Result<Response, ApiError> {
        let Some((status, message)) = error.refusal() else { return Err(error) };
        let mut page = self.ask(Some(message), status)?;
        if let Some(reached) = error.limit() {
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(reached.wait.as_secs()));
            page.extensions_mut().insert(reached);
        }
        Ok(page)
    }
}

/// Renders the page that confirms success.
pub fn show_success(title: &str, text: &str, next: Option<&str>) -> Result<Response, ApiError> {
    render(StatusCode::OK, &Page { title, text, next, ..Page::default() })
}

fn render(status: StatusCode, page: &Page<'_>) -> Result<Response, ApiError> {
    let html = page.render().map_err(anyhow::Error::from)?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        // The page's own form must send its origin. No other site may see the URL, which holds a token.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    Ok((status, headers, Html(html)).into_response())
}

/// A form that was sent by one of these pages. A page of another site could otherwise sign its visitors in to another person's
/// account (OWASP CSRF Prevention Cheat Sheet).
pub struct OwnForm;

impl FromRequestParts<AuthState> for OwnForm {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AuthState) -> Result<Self, ApiError> {
        let header = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let own = state.app.config.web.app_url.origin().ascii_serialization();
        if header("sec-fetch-site") == Some("same-origin") || header("origin") == Some(&*own) {
            Ok(Self)
        } else {
            Err(refusals::FOREIGN_ORIGIN.into())
        }
    }
}
