//! `CORS_ORIGINS`, `APP_URL`: web browsers and the links in mails.

use axum::http::HeaderValue;
use url::Url;

use super::section::section;

section! {
    /// Web browsers, and the links in mails
    pub struct Web {
        /// Origins that may call from a browser and use the cookie. The page of a magic link leads to the first one.
        cors_origins: Vec<HeaderValue> = origins("CORS_ORIGINS") {
            used_by: "api, docs",
            allowed: "exact origins, separated by commas; not `*`",
            example: "http://localhost:9005"
        };
        /// The front end that links in mails lead to, or this API's own pages under `/account`, which the template sets unless
        /// `AppUrl` is given.
        app_url: Url = url_or("APP_URL", "http://localhost:9005") { used_by: "auth, organizations, users" };
    }
}

impl Web {
    /// Returns where front ends are: the origins, then `APP_URL`.
    #[must_use]
    pub fn front_ends(&self) -> Vec<Url> {
        let origins = self.cors_origins.iter().filter_map(|origin| origin.to_str().ok()?.parse::<Url>().ok());
        origins.chain([self.app_url.clone()]).collect()
    }
}
