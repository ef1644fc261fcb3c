//! The systems whose users can be imported. A file per system says what its records mean.

mod auth0;
mod clerk;
pub mod firebase;
mod keycloak;
mod supabase;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use shared::{
    crypto::imported_password::{ImportedHash, Unusable},
    domain::input::{Email, ImageUrl, Name, Phone},
    store::users::ImportedUser,
};

use super::{
    id::user_id,
    records::Fields,
    report::{Refused, Skip},
};
use firebase::HashConfig;

/// A system that exported a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Auth0,
    Supabase,
    Keycloak,
    Clerk,
    Firebase,
}

impl Provider {
    /// Parses a name of a command line.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Auth0, Self::Supabase, Self::Keycloak, Self::Clerk, Self::Firebase];
        all.into_iter().find(|provider| provider.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "auth0",
            Self::Supabase => "supabase",
            Self::Keycloak => "keycloak",
            Self::Clerk => "clerk",
            Self::Firebase => "firebase",
        }
    }

    /// Checks whether its files are one JSON object, with the users in its member `users`.
    #[must_use]
    pub const fn has_users_member(self) -> bool {
        matches!(self, Self::Keycloak | Self::Firebase)
    }

    /// Returns why an account is suspended whose user this system refuses.
    const fn suspended_reason(self) -> &'static str {
        match self {
            Self::Auth0 => "Blocked in Auth0 before the import",
            Self::Supabase => "Banned in Supabase before the import",
            Self::Keycloak => "Disabled in Keycloak before the import",
            Self::Clerk => "Banned in Clerk before the import",
            Self::Firebase => "Disabled in Firebase before the import",
        }
    }
}

/// What a record does not say itself.
pub struct Context {
    pub now: DateTime<Utc>,
    /// The parameters of Firebase's hashes.
    pub hash_config: Option<HashConfig>,
}

/// What a record is.
pub enum Found {
    User(Box<Candidate>),
    Skipped(Skip),
    Refused(Refused),
}

/// A user as a system describes it; nothing is checked.
pub struct Candidate {
    pub id: Option<String>,
    pub email: Option<String>,
    pub is_verified: bool,
    /// Names, the best first.
    pub names: Vec<Option<String>>,
    pub image: Option<String>,
    pub phone: Option<String>,
    pub hash: HashResult,
    pub is_blocked: bool,
}

/// The hash of a password, if the user has one.
pub type HashResult = Result<Option<ImportedHash>, Unusable>;

/// Reads a record of `provider`.
pub fn read(provider: Provider, fields: &Fields, context: &Context) -> Found {
    match provider {
        Provider::Auth0 => auth0::read(fields),
        Provider::Supabase => supabase::read(fields, context.now),
        Provider::Keycloak => keycloak::read(fields),
        Provider::Clerk => clerk::read(fields),
        Provider::Firebase => firebase::read(fields, context.hash_config.as_ref()),
    }
}

impl Candidate {
    /// Checks what an account needs. A name, picture or phone number that cannot be used is left out.
    pub fn checked(self, provider: Provider) -> Result<ImportedUser, Refused> {
        let id = self.id.ok_or(Refused::NoId)?;
        let email = self.email.ok_or(Refused::NoAddress)?;
        let email = Email::try_from(email.trim().to_owned()).map_err(Refused::Address)?;
        let name = name(&self.names, email.as_ref());
        let hash = self.hash.map_err(Refused::Hash)?;
        Ok(ImportedUser {
            id: user_id(provider.name(), &id),
            name: name.ok_or(Refused::NoName)?,
            email,
            is_verified: self.is_verified,
            image: self.image.and_then(|image| ImageUrl::try_from(image).ok()),
            phone: self.phone.and_then(|phone| Phone::try_from(phone).ok()),
            password_hash: hash.map(|hash| hash.to_stored()),
            suspended_reason: self.is_blocked.then(|| provider.suspended_reason()),
        })
    }
}

/// Returns the first name that can be shown to other people; without one, the part of the address before the `@`.
fn name(names: &[Option<String>], email: &str) -> Option<Name> {
    let local_part = email.split('@').next().unwrap_or_default();
    let given = names.iter().flatten().map(String::as_str).filter(|name| !name.eq_ignore_ascii_case(email));
    given.chain([local_part]).find_map(|name| Name::try_from(name.to_owned()).ok())
}

/// Returns a member that is a text, or a number, and not empty.
fn text(fields: &Fields, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns two texts with a space between them.
fn full_name(fields: &Fields, given: &str, family: &str) -> Option<String> {
    match (text(fields, given), text(fields, family)) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (given, family) => given.or(family),
    }
}

/// Checks whether a member is true. In a table it is a text.
fn is_true(fields: &Fields, name: &str) -> bool {
    match fields.get(name) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1"),
        _ => false,
    }
}

/// Returns a member that is an object, or a text with one.
fn object(fields: &Fields, name: &str) -> Option<Fields> {
    match fields.get(name)? {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Parses a hash that already has the form of [`ImportedHash`].
fn hash(text: Option<String>) -> HashResult {
    text.map(|text| ImportedHash::parse(&text)).transpose()
}
