//! The declaration of a section of settings, in one place: its struct, how it is read, and its documentation.
//!
//! The documentation is not part of a function's binary: only the `settings` crate calls [`super::sections`], so the linker
//! removes all its texts.

use std::fmt::Display;

/// The documentation of a section.
#[derive(Debug)]
pub struct Section {
    /// The name of its struct.
    pub name: &'static str,
    /// The doc comment of its struct.
    pub about: String,
    /// Its variables, in the order of the fields.
    pub settings: Vec<Declared>,
}

/// The documentation of one variable.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The name of the variable.
    pub name: String,
    /// The effect of the value.
    pub meaning: String,
    /// The value if the variable is not set, written as in the environment.
    pub default: Option<String>,
    /// The values that are accepted.
    pub allowed: String,
    /// The functions that read the value and start without it; those that need it name it in their `REQUIRED`.
    pub used_by: String,
    /// A value for `.env.example`, where there is no default.
    pub example: String,
    /// Whether the value may be a reference to a secret.
    pub secret: bool,
}

/// The part of a declaration in braces. Each member is optional.
#[derive(Debug, Default)]
pub(super) struct Details {
    used_by: &'static str,
    example: &'static str,
    allowed: &'static str,
}

impl Details {
    pub fn used_by(self, used_by: &'static str) -> Self {
        Self { used_by, ..self }
    }

    pub fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// Replaces the description of the allowed values.
    pub fn allowed(self, allowed: &'static str) -> Self {
        Self { allowed, ..self }
    }
}

/// Declares a section:
///
/// ```text
/// section! {
///     /// The section's heading in `.env.example`.
///     pub struct Web {
///         /// The meaning of the variable, in every documentation of it.
///         app_url: Url = url_or("APP_URL", "http://localhost:9005") { used_by: "auth, organizations" };
///     }
/// }
/// ```
///
/// `url_or` is the kind of the setting: a method of `Reader`, which reads it, and a function of `kinds`, which describes it.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $meaning:literal])+
                $field:ident: $type:ty = $kind:ident($($argument:expr),*) { $($member:ident: $value:expr),* };
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[doc = $meaning])+ pub $field: $type,)+
        }

        impl $name {
            pub(super) fn read(reader: &mut $crate::config::reader::Reader<'_>) -> Self {
                Self { $($field: reader.$kind($($argument),*),)+ }
            }

            pub(super) fn section() -> $crate::config::Section {
                use $crate::config::{kinds, section::{Details, Section}};
                Section::new(stringify!($name), &[$($about),+], vec![
                    $((
                        kinds::$kind($($argument),*),
                        &[$($meaning),+],
                        Details::default()$(.$member($value))*,
                    )),+
                ])
            }
        }
    };
}
pub(super) use section;

impl Section {
    /// Joins the parts of a declaration: for each setting its variables, the lines of its meaning, and the part in braces.
    pub(super) fn new(
        name: &'static str,
        about: &[&str],
        settings: Vec<(Vec<Declared>, &[&str], Details)>,
    ) -> Self {
        let described = settings.into_iter().flat_map(|(mut variables, meaning, details)| {
            if let Some(first) = variables.first_mut() {
                first.meaning = joined(meaning);
                details.used_by.clone_into(&mut first.used_by);
                details.example.clone_into(&mut first.example);
                if !details.allowed.is_empty() {
                    details.allowed.clone_into(&mut first.allowed);
                }
            }
            variables
        });
        Self { name, about: joined(about), settings: described.collect() }
    }
}

impl Declared {
    pub(super) fn new(name: &str, allowed: impl Display) -> Self {
        Self { name: name.to_owned(), allowed: allowed.to_string(), ..Self::default() }
    }

    pub(super) fn defaults_to(self, default: impl Display) -> Self {
        Self { default: Some(default.to_string()), ..self }
    }
}

/// Joins the lines of a doc comment.
fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
