//! Where a service is, and as whom to go there.

use anyhow::Context;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

use super::Setting;
use crate::aws::secrets::{Secret, Secrets};

/// What a URL's query may also say about user name and password.
const IN_QUERY: [&str; 3] = ["user", "password", "pass"];

/// A URL that is complete, or one without user name and password, and these beside it.
#[derive(Debug, Clone)]
pub struct Address {
    pub(super) url: Setting,
    pub(super) credentials: Option<Setting>,
}

/// A URL that is complete.
impl From<Setting> for Address {
    fn from(url: Setting) -> Self {
        Self { url, credentials: None }
    }
}

impl Address {
    /// The complete URL.
    pub async fn get(&self, secrets: &Secrets) -> anyhow::Result<Secret> {
        self.read(secrets, false).await
    }

    /// The complete URL, read again because the last one was refused; as often as [`Secrets::renew`] allows.
    pub async fn renew(&self, secrets: &Secrets) -> anyhow::Result<Secret> {
        self.read(secrets, true).await
    }

    async fn read(&self, secrets: &Secrets, renew: bool) -> anyhow::Result<Secret> {
        let url = secrets.read(&self.url, renew).await?;
        let Some(setting) = &self.credentials else { return Ok(url) };
        Credentials::read(setting, secrets, renew).await?.complete(&url)
    }
}

/// Who goes there; Redis may know only one.
#[derive(Deserialize)]
pub struct Credentials {
    username: Option<String>,
    password: String,
}

impl Credentials {
    /// Those that `setting` holds.
    pub async fn get(setting: &Setting, secrets: &Secrets) -> anyhow::Result<Self> {
        Self::read(setting, secrets, false).await
    }

    async fn read(setting: &Setting, secrets: &Secrets, renew: bool) -> anyhow::Result<Self> {
        Self::parse(&secrets.read(setting, renew).await?).map_err(|problem| match setting {
            Setting::Secret(reference) => anyhow::anyhow!("the secret {} {problem}", reference.arn()),
            _ => anyhow::anyhow!("what is given as credentials {problem}"),
        })
    }

    /// The user name; PostgreSQL knows nobody without one.
    pub fn username(&self) -> anyhow::Result<&str> {
        self.username.as_deref().context("the credentials have no username")
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Reads them; what is wrong with them is said without repeating them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        serde_json::from_str(text)
            .map_err(|_| "is no JSON object with the text member password, and username if there is one")
    }

    /// `url` with these in place of its own.
    pub fn complete(self, url: &str) -> anyhow::Result<Secret> {
        const NOT: &str = "the URL takes no user name and password";
        let mut url = Url::parse(url).map_err(|_| anyhow::anyhow!(NOT))?;
        // PostgreSQL's clients would go as whoever runs the process.
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

/// Whether `url` names a host, and nobody to go there as.
pub(super) fn is_bare(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && !url.query_pairs().any(|(name, _)| IN_QUERY.contains(&&*name))
    })
}
