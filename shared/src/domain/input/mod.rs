//! Types for user input. A value is always valid.

use std::{collections::HashSet, str::FromStr, sync::LazyLock};

use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use crate::domain::ids::OrganizationId;

mod email;
mod ids;
mod name;

pub use email::Email;
pub use ids::Ids;
pub use name::{DocumentName, Name};

macro_rules! text {
    ($name:ident) => {
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Returns the integer `number`, which JSON may write as `1`, `1.0` or `1e0`: to JSON Schema they are the same integer.
#[must_use]
pub fn whole<T: FromStr>(number: f64) -> Option<T> {
    // Rust writes a number without a fraction as digits only.
    number.to_string().parse().ok()
}

/// Slugs that nobody can choose: a page of the product or an address of its operator could have the same name.
static RESERVED_SLUGS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("reserved-slugs.txt").lines().collect());

/// A name in URLs: 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends (like a DNS label, RFC 1123). Names such as
/// `admin` and `api` are reserved.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", min_length = 1, max_length = 63, example = "analytical-engines")]
pub struct Slug(String);
text!(Slug);

impl Slug {
    /// Creates the slug of an organization without a chosen one, from the random end of its `UUIDv7`.
    #[must_use]
    pub fn of(id: OrganizationId) -> Self {
        Self(BASE32_NOPAD.encode(&id.0.as_bytes()[6..]).to_lowercase())
    }
}

impl TryFrom<String> for Slug {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        if RESERVED_SLUGS.contains(raw.as_str()) {
            return Err("this slug is reserved; choose another");
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = raw.as_bytes();
        match (bytes.first(), bytes.last()) {
            (Some(first), Some(last))
                if bytes.len() <= 63
                    && plain(*first)
                    && plain(*last)
                    && bytes.iter().all(|byte| plain(*byte) || *byte == b'-') =>
            {
                Ok(Self(raw))
            }
            _ => Err("a slug has 1 to 63 characters of a-z, 0-9 and -, and does not begin or end with -"),
        }
    }
}

/// The reason of an administrator for a change of an account: 1 to 500 characters.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 500, example = "Requested by the court, case 12/34",
    pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$",
)]
pub struct Reason(String);
text!(Reason);

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let reason = raw.trim();
        match reason.chars().count() {
            1..=500 if !reason.contains('\0') => Ok(Self(reason.to_owned())),
            _ => Err("a reason has 1 to 500 characters"),
        }
    }
}

/// A phone number in international format (ITU-T E.164): `+` and up to 15 digits.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 8, max_length = 16, pattern = r"^\+[1-9][0-9]{6,14}$", example = "+442071838750")]
pub struct Phone(String);
text!(Phone);

impl TryFrom<String> for Phone {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let digits = raw.strip_prefix('+').unwrap_or_default();
        let valid = (7..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        if valid { Ok(Self(raw)) } else { Err("a phone number looks like +442071838750 (E.164)") }
    }
}

/// The URL of an image: absolute, `https`, at most 2,048 characters.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "uri", pattern = "^https://", max_length = 2048, example = "https://example.com/ada.png")]
pub struct ImageUrl(String);
text!(ImageUrl);

impl TryFrom<String> for ImageUrl {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        match Url::from_str(&raw) {
            Ok(url) if url.scheme() == "https" && url.as_str().len() <= 2048 => Ok(Self(url.into())),
            _ => Err("an image is an absolute https URL of at most 2048 characters"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_json_are_integers() {
        assert_eq!([1.0, 1e6, -0.0].map(whole::<i32>), [Some(1), Some(1_000_000), Some(0)]);
        assert_eq!([0.5, 1e300, f64::NAN, f64::INFINITY].map(whole::<i32>), [None; 4]);
    }

    #[test]
    fn slugs_are_dns_labels_and_not_reserved() {
        for slug in ["a", "analytical-engines", "4711", "admins"] {
            assert!(Slug::try_from(slug.to_owned()).is_ok(), "{slug}");
        }
        for slug in ["", "-a", "a-", "A", "a_b", "ä", "admin", "api", "www", &"x".repeat(64)] {
            assert!(Slug::try_from(slug.to_owned()).is_err(), "{slug:?}");
        }
        assert!(RESERVED_SLUGS.iter().all(|slug| {
            slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        }));
    }

    #[test]
    fn phones_are_e164_and_images_are_https() {
        assert!(Phone::try_from("+442071838750".to_owned()).is_ok());
        for phone in ["", "+", "442071838750", "+0123456789", "+44 207 183", "+12345678901234567"] {
            assert!(Phone::try_from(phone.to_owned()).is_err(), "{phone:?}");
        }
        assert!(ImageUrl::try_from("https://example.com/a.png".to_owned()).is_ok());
        for image in ["", "/a.png", "http://example.com/a.png", "javascript:alert(1)", "data:text/html,x"] {
            assert!(ImageUrl::try_from(image.to_owned()).is_err(), "{image:?}");
        }
    }
}
