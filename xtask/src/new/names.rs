//! The forms of a name, and templates that have them.

use anyhow::{Result, ensure};

/// Words that cannot be the name of a module or of a crate: Rust's keywords, and the crates of its library.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];
/// Longer names make identifiers that PostgreSQL cuts off, at 63 characters.
const MAX_LENGTH: usize = 36;

/// A name of one or several words: `line-item`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name in lower case with hyphens. Underscores count as hyphens.
    pub fn parse(text: &str) -> Result<Self> {
        let name = text.replace('_', "-");
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        };
        ensure!(
            name.split('-').all(is_word),
            "`{text}` is not a name: use lower-case words with hyphens, such as `line-item`"
        );
        ensure!(name.len() <= MAX_LENGTH, "`{text}` is too long: use at most {MAX_LENGTH} characters");
        ensure!(
            !RESERVED.contains(&name.as_str()),
            "`{text}` is a reserved word of Rust: choose another name"
        );
        Ok(Self(name))
    }

    /// Returns the plural by the rules of English; the exceptions are for `--plural`.
    pub fn plural(&self) -> Self {
        let name = &self.0;
        let ends_in_vowel_y = ["ay", "ey", "oy", "uy"].iter().any(|end| name.ends_with(end));
        let plural = match name.strip_suffix('y').filter(|_| !ends_in_vowel_y) {
            Some(stem) => format!("{stem}ies"),
            None if ["s", "x", "z", "ch", "sh"].iter().any(|end| name.ends_with(end)) => format!("{name}es"),
            None => format!("{name}s"),
        };
        Self(plural)
    }

    /// `line-item`
    pub fn kebab(&self) -> &str {
        &self.0
    }

    /// `line_item`
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `line item`
    pub fn words(&self) -> String {
        self.0.replace('-', " ")
    }

    /// `LineItem`
    pub fn pascal(&self) -> String {
        self.0.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
    }

    /// `lineItem`
    pub fn camel(&self) -> String {
        let pascal = self.pascal();
        pascal[..1].to_lowercase() + &pascal[1..]
    }

    /// `a line item`, `an invoice`
    pub fn with_article(&self) -> String {
        let article = if self.0.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", self.words())
    }
}

/// Replaces each placeholder of `template` by that form of the name. `%snakes%`, `%kebabs%`, `%Pascals%` and `%many words%` are
/// forms of the plural.
pub fn fill(template: &str, one: &Name, many: &Name) -> String {
    let a_words = one.with_article();
    [
        ("%snake%", one.snake()),
        ("%snakes%", many.snake()),
        ("%SCREAM%", one.snake().to_uppercase()),
        ("%kebab%", one.kebab().to_owned()),
        ("%kebabs%", many.kebab().to_owned()),
        ("%camel%", one.camel()),
        ("%Pascal%", one.pascal()),
        ("%Pascals%", many.pascal()),
        ("%words%", one.words()),
        ("%many words%", many.words()),
        ("%A words%", a_words[..1].to_uppercase() + &a_words[1..]),
        ("%a words%", a_words),
    ]
    .iter()
    .fold(template.to_owned(), |text, (placeholder, form)| text.replace(placeholder, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn a_name_has_its_forms() {
        let item = name("line_item");
        assert_eq!((item.kebab(), item.snake().as_str()), ("line-item", "line_item"));
        assert_eq!((item.pascal().as_str(), item.camel().as_str()), ("LineItem", "lineItem"));
        assert_eq!((item.words().as_str(), item.with_article().as_str()), ("line item", "a line item"));
        assert_eq!(name("invoice").with_article(), "an invoice");
        let filled = fill("%Pascal% %snakes% %SCREAM% %A words% %many words%", &item, &item.plural());
        assert_eq!(filled, "LineItem line_items LINE_ITEM A line item line items");
    }

    #[test]
    fn plurals_follow_the_rules() {
        for (one, many) in [
            ("note", "notes"),
            ("company", "companies"),
            ("day", "days"),
            ("fax", "faxes"),
            ("branch", "branches"),
            ("address", "addresses"),
            ("line-item", "line-items"),
        ] {
            assert_eq!(Name::parse(one).map(|one| one.plural()).ok(), Some(Name(many.to_owned())));
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(MAX_LENGTH + 1);
        for text in ["", "Note", "1st", "line item", "line--item", "-a", "a-", "a-1b", "ümlaut", "a/b", &long]
        {
            Name::parse(text).expect_err(text);
        }
        for text in ["type", "async", "test", "core"] {
            assert!(Name::parse(text).expect_err(text).to_string().contains("reserved"), "{text}");
        }
    }
}
