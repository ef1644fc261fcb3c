//! The page to which a browser returns after it has been elsewhere.

use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

/// A path of the front end: it begins with one `/`, and has at most 512 characters. It never leads to another site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 512, pattern = r"^/([^/\\\u0000-\u001F\u007F][^\\\u0000-\u001F\u007F]*)?$",
    example = "/projects?sort=name"
)]
pub struct ReturnTo(String);

impl AsRef<str> for ReturnTo {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ReturnTo {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        // Browsers take `\` for `/`, and ignore tabs and line breaks.
        let is_plain = !raw.contains(|c: char| c == '\\' || c.is_ascii_control());
        let is_path = raw.starts_with('/') && !raw.starts_with("//");
        if raw.chars().count() <= 512 && is_plain && is_path && stays(&raw) {
            Ok(Self(raw))
        } else {
            Err("a page to return to is a path: it begins with one /, and has at most 512 characters")
        }
    }
}

/// Checks whether a browser that follows `path` stays at its site, also if a front end resolves it first and follows the path that results.
fn stays(path: &str) -> bool {
    let Ok(site) = Url::parse("https://front-end.invalid") else { return false };
    site.join(path).is_ok_and(|url| url.origin() == site.origin() && !url.path().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_to_return_to_is_a_path_of_the_same_site() {
        for path in [
            "/",
            "/a",
            "/a/b?c=d&e=%2F%2Fevil.example#f",
            "/ä",
            "/a//b",
            "/@evil.example",
            &format!("/{}", "a".repeat(511)),
        ] {
            assert!(ReturnTo::try_from(path.to_owned()).is_ok(), "{path}");
        }
        for elsewhere in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            r"/\evil.example",
            r"\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "javascript:alert(1)",
            "/a\0",
            "/\u{7f}",
            " /a",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert!(ReturnTo::try_from(elsewhere.to_owned()).is_err(), "{elsewhere:?}");
        }
    }
}
