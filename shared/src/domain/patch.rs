//! JSON Merge Patch (RFC 7396).

use serde::{Deserialize, Deserializer};

use crate::{ApiError, Refusal};

const CANNOT_BE_REMOVED: Refusal =
    Refusal::invalid("cannot-be-removed", "This can be changed, but not removed; see errors.");

/// A member of a JSON Merge Patch (RFC 7396).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Absent: the value stays.
    #[default]
    Keep,
    /// `null`: the value is removed.
    Clear,
    /// The new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the new value, if there is one. Refuses `null`: the member at `pointer` cannot be removed.
    pub fn kept(&self, pointer: &'static str) -> Result<Option<&T>, ApiError> {
        match self {
            Self::Keep => Ok(None),
            Self::Clear => Err(CANNOT_BE_REMOVED.at(pointer)),
            Self::Set(value) => Ok(Some(value)),
        }
    }

    /// Returns whether the value changes, and the new value.
    pub fn change(&self) -> (bool, Option<&T>) {
        match self {
            Self::Keep => (false, None),
            Self::Clear => (true, None),
            Self::Set(value) => (true, Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Clear, Self::Set))
    }
}
