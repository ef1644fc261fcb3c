//! The URL of a service, and the user name and password for it.

use anyhow::Context;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::{Secret, Setting};

/// The query parameters of a URL that contain a user name or a password.
const IN_QUERY: [&str; 3] = ["user", "password", "pass"];

/// The URL of a service: complete, or with user name and password in a separate setting. `Secrets::resolve` joins them.
#[derive(Debug, Clone)]
pub struct Address {
    url: Setting,
    credentials: Option<Setting>,
}

impl From<Setting> for Address {
    fn from(url: Setting) -> Self {
        Self { url, credentials: None }
    }
}

impl Address {
    /// Creates an address from `url`, and from `credentials` if there are any.
    #[must_use]
    pub fn new(url: Setting, credentials: Option<Setting>) -> Self {
        Self { url, credentials }
    }

    /// Returns the URL. It is complete if there are no [`Address::credentials`].
    #[must_use]
    pub fn url(&self) -> &Setting {
        &self.url
    }

    /// Returns the setting of the user name and the password.
    #[must_use]
    pub fn credentials(&self) -> Option<&Setting> {
        self.credentials.as_ref()
    }
}

/// A user name and a password. Redis may have only a password.
#[derive(Deserialize)]
pub struct Credentials {
    username: Option<String>,
    password: String,
}

impl Credentials {
    /// Returns the user name. PostgreSQL needs one.
    pub fn username(&self) -> anyhow::Result<&str> {
        self.username.as_deref().context("the credentials have no username")
    }

    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Parses a JSON object. The error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        serde_json::from_str(text)
            .map_err(|_| "is not a JSON object with the text member password, and username if there is one")
    }

    /// Puts the user name and the password into `url`.
    pub fn complete(self, url: &str) -> anyhow::Result<Secret> {
        const NOT: &str = "the URL takes no user name and password";
        let mut url = Url::parse(url).map_err(|_| anyhow::anyhow!(NOT))?;
        // Without a user name, a PostgreSQL client connects as the user that runs the process.
        let may_be_nameless = url.scheme().starts_with("redis");
        if !may_be_nameless {
            self.username()?;
        }
        // `Url` leaves "%" as it is.
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        url.set_username(&encode(&self.username.unwrap_or_default())).map_err(|()| anyhow::anyhow!(NOT))?;
        url.set_password(Some(&encode(&self.password))).map_err(|()| anyhow::anyhow!(NOT))?;
        Ok(Secret::from(String::from(url)))
    }
}

/// Checks whether `url` has a host, and neither user name nor password.
pub(super) fn is_bare(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && !url.query_pairs().any(|(name, _)| IN_QUERY.contains(&&*name))
    })
}
