//! Names that people choose.

use serde::Deserialize;
use utoipa::ToSchema;

/// A name: 1 to 100 characters, with no space at either end, no control characters, nothing invisible and no `://`.
///
/// A name is shown to other people. It must be what it looks like (Unicode Technical Report 36), and no link.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 100, example = "Ada Lovelace",
    pattern = r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F]*[^\s\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F][^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F]*$",
)]
pub struct Name(String);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let name = raw.trim();
        if !(1..=100).contains(&name.chars().count()) {
            return Err("a name has 1 to 100 characters");
        }
        check(name)?;
        Ok(Self(name.to_owned()))
    }
}

/// The name of a document: as [`Name`], with 1 to 255 characters, as file names have.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 255, example = "Notes on the Analytical Engine.pdf",
    pattern = r"^[^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F]*[^\s\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F][^\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2060-\u206F]*$",
)]
pub struct DocumentName(String);

impl AsRef<str> for DocumentName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DocumentName {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let name = raw.trim();
        if !(1..=255).contains(&name.chars().count()) {
            return Err("the name of a document has 1 to 255 characters");
        }
        check(name)?;
        Ok(Self(name.to_owned()))
    }
}

/// Refuses a name that is not what it looks like.
fn check(name: &str) -> Result<(), &'static str> {
    if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err("a name has no control characters");
    }
    if name.contains("://") {
        return Err("a name has no link in it");
    }
    if !name.chars().any(is_visible) {
        return Err("a name has a visible character");
    }
    if has_hidden(name) {
        return Err("a name has no invisible characters, and none that change the direction of text");
    }
    Ok(())
}

/// Checks for a character that shows nothing. One that joins characters or chooses their form may follow a character outside of ASCII:
/// Persian words and emoji need them.
fn has_hidden(name: &str) -> bool {
    let mut may_join = false;
    let hidden = name.chars().any(|c| {
        let joins =
            matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0020}'..='\u{E007F}');
        let hidden = is_ignorable(c) && !(joins && may_join);
        may_join = joins || (is_visible(c) && !c.is_ascii());
        hidden
    });
    hidden || name.ends_with(['\u{200C}', '\u{200D}'])
}

/// Checks for a character that shows nothing (`Default_Ignorable_Code_Point` of Unicode, and the controls of direction).
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Checks for a character that can be seen without another one. A combining mark cannot.
fn is_visible(c: char) -> bool {
    let combines = matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}');
    !c.is_whitespace() && !c.is_control() && !is_ignorable(c) && !combines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_name(name: &str) -> bool {
        Name::try_from(name.to_owned()).is_ok()
    }

    #[test]
    fn names_of_every_script_are_names() {
        for name in [
            "Zoë",
            "李雷",
            "Nguyễn Văn A",
            "O'Brien-Smith",
            " Ada ",
            "عبد الله",
            "שרה",
            "Zoe\u{308}",
            // A Persian name with a joiner, and emoji made of several characters.
            "علی\u{200C}رضا",
            "\u{1F600}",
            "\u{1F469}\u{200D}\u{1F4BB}",
            "\u{2764}\u{FE0F}",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "   ", "a\nb", "a\0b", "a\u{2028}b", &"x".repeat(101)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn names_of_documents_are_longer() {
        let is_name = |name: &str| DocumentName::try_from(name.to_owned()).is_ok();
        assert!(is_name(&"x".repeat(255)) && is_name("Größe.pdf"));
        for name in ["", " ", "a\nb", "a\u{202E}fdp.exe", "http://example.com/a.html", &"x".repeat(256)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_deceive_are_no_names() {
        for name in [
            "Collect at https://evil.example",
            "javascript://x",
            "a\u{202E}gnp.exe",
            "\u{2066}a\u{2069}",
            "a\u{200E}",
            "Ada\u{200B}",
            "\u{200D}Ada",
            "علی\u{200C}",
            "Ada \u{200C}",
            "a\u{AD}b",
            "\u{FEFF}Ada",
            "a\u{2060}b",
            "a\u{E0041}",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn names_with_nothing_to_see_are_no_names() {
        for name in [
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{200B}",
            "\u{301}",
            "\u{115F}\u{1160}",
            "\u{FE0F}",
            "\u{A0}\u{3000}",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
