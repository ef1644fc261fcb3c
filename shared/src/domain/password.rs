//! Passwords as input.

use std::{collections::HashSet, sync::LazyLock};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

/// The most common passwords of at least 8 characters, from leaks, in lower case. Taken from Django's
/// `CommonPasswordValidator` (BSD-3-Clause), which is Royce Williams's list.
static COMMON_PASSWORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common-passwords.txt").lines().collect());

/// Checks whether `password` is one of the most common passwords.
#[must_use]
pub fn is_common(password: &str) -> bool {
    COMMON_PASSWORDS.contains(password.to_lowercase().as_str())
}

/// A password, exactly as sent: never trimmed, never normalized.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(SecretString);

impl utoipa::PartialSchema for Password {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .min_length(Some(1))
            .max_length(Some(256))
            .examples(["correct horse battery staple"])
            .into()
    }
}

impl ToSchema for Password {}

impl ExposeSecret<str> for Password {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        match raw.chars().count() {
            1..=256 => Ok(Self(raw.into())),
            _ => Err("a password has 1 to 256 characters"),
        }
    }
}

/// A new password: 8 to 256 characters of any kind, and not one of the most common passwords (NIST SP 800-63B, 3.1.1.2).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "password", min_length = 8, max_length = 256, example = "correct horse battery staple")]
pub struct NewPassword(Password);

impl TryFrom<String> for NewPassword {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        if !(8..=256).contains(&raw.chars().count()) {
            return Err("a password has 8 to 256 characters");
        }
        if is_common(&raw) {
            return Err("this password is one of the most common ones; choose another");
        }
        Password::try_from(raw).map(Self)
    }
}

impl NewPassword {
    /// Checks whether the password is the name, the address or the part of the address before the `@`, ignoring case.
    #[must_use]
    pub fn is_like(&self, name: &str, email: &str) -> bool {
        let password = self.0.expose_secret().to_lowercase();
        let local_part = email.split('@').next().unwrap_or_default();
        [name, email, local_part].iter().any(|known| known.to_lowercase() == password)
    }
}

impl AsRef<Password> for NewPassword {
    fn as_ref(&self) -> &Password {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_password_is_long_enough_and_not_a_common_one() {
        assert!(NewPassword::try_from("correct horse battery staple".to_owned()).is_ok());
        assert!(NewPassword::try_from("å∫ç∂´ƒ©˙".to_owned()).is_ok());
        for password in ["", "short", "password1", "PASSWORD1", "12345678", &"x".repeat(257)] {
            assert!(NewPassword::try_from(password.to_owned()).is_err(), "{password:?}");
        }
    }

    #[test]
    fn a_password_is_not_shown_by_debug() {
        let password = Password::try_from("hunter2hunter2".to_owned()).expect("a password");
        assert!(!format!("{password:?}").contains("hunter2"));
    }
}
