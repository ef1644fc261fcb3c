//! What is wrong, and where.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::Step;

pub(super) const MISSING: &str = "this is missing";

/// Says what is wanted, and never repeats the value.
#[derive(Debug)]
pub(super) struct Error {
    pub reason: Reason,
    /// From the inside out.
    steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Reason {
    /// The name of a member; `None` if the step says it.
    Missing(Option<&'static str>),
    Repeated(&'static str),
    Unknown,
    /// The value has the wrong type, or one that is out of range.
    Unfit(String),
    Other(String),
}

impl Error {
    pub fn new(reason: Reason) -> Self {
        Self { reason, steps: Vec::new() }
    }

    /// Makes an error about a value that is not `wanted`.
    pub fn wanted(wanted: impl Display) -> Self {
        Self::new(Reason::Unfit(format!("this must be {wanted}")))
    }

    /// Says that the error is inside of the value, in the direction of `step`.
    pub fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Returns whether a value itself has the wrong type, and not one inside of it.
    pub fn is_unfit(&self) -> bool {
        self.steps.is_empty() && matches!(self.reason, Reason::Unfit(_))
    }

    /// Returns the place, from the outside in.
    pub fn path(&self) -> Vec<Step> {
        let named = match self.reason {
            Reason::Missing(name) => name,
            Reason::Repeated(name) => Some(name),
            _ => None,
        };
        let named = named.map(|name| Step::Member(name.to_owned()));
        self.steps.iter().rev().cloned().chain(named).collect()
    }

    pub fn detail(&self) -> String {
        match &self.reason {
            Reason::Missing(_) => MISSING.to_owned(),
            Reason::Repeated(_) => "this is given more than once".to_owned(),
            Reason::Unknown => "this name is unknown here".to_owned(),
            Reason::Unfit(detail) | Reason::Other(detail) => detail.clone(),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(detail: T) -> Self {
        Self::new(Reason::Other(detail.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::wanted(wanted)
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::wanted(wanted)
    }

    fn invalid_length(_: usize, wanted: &dyn Expected) -> Self {
        Self::wanted(wanted)
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Self {
        Self::wanted(format_args!("one of `{}`", variants.join("`, `")))
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::new(Reason::Unknown)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Reason::Missing(Some(name)))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Reason::Repeated(name))
    }
}
