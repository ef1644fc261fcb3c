//! The way back to the front end. What came of the sign-in is in the fragment of the URL: it is in no log, and no other site sees it.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::crypto::one_time_token::OneTimeToken;
use url::{Url, form_urlencoded::Serializer};

use crate::OauthState;

/// The end of a sign-in here.
pub enum Ending {
    /// `auth` exchanges the code.
    Arrived {
        code: OneTimeToken,
        return_to: Option<String>,
    },
    /// The user did not agree at the provider.
    Cancelled,
    /// The flow is unknown, used up or expired, began in another browser, or led to another provider.
    NotValid,
    /// The provider refused, or did not prove who the user is.
    AnswerNotValid,
    ProviderUnavailable,
    /// Something here is.
    Unavailable,
}

impl Ending {
    /// Returns the word for `#error=…`. Part of the public contract.
    pub fn error(&self) -> Option<&'static str> {
        match self {
            Self::Arrived { .. } => None,
            Self::Cancelled => Some("sign-in-cancelled"),
            Self::NotValid => Some("flow-not-valid"),
            Self::AnswerNotValid => Some("provider-answer-not-valid"),
            Self::ProviderUnavailable => Some("provider-unavailable"),
            Self::Unavailable => Some("unavailable"),
        }
    }

    /// Sends the browser to `/signed-in` of the front end.
    pub fn respond(&self, state: &OauthState) -> Response {
        let mut fragment = Serializer::new(String::new());
        if let Some(error) = self.error() {
            fragment.append_pair("error", error);
        }
        if let Self::Arrived { code, return_to } = self {
            fragment.append_pair("code", code.reveal());
            if let Some(path) = return_to {
                fragment.append_pair("returnTo", path);
            }
        }
        let mut url: Url = state.app.config.web.app_url.clone();
        url.set_path(&format!("{}/signed-in", url.path().trim_end_matches('/')));
        url.set_fragment(Some(&fragment.finish()));
        see_other(&url)
    }
}

/// Sends the browser to `url`, with a GET.
pub fn see_other(url: &Url) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, url.as_str())]).into_response()
}
