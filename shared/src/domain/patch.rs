//! JSON Merge Patch (RFC 7396).

use serde::{Deserialize, Deserializer};

use crate::{ApiError, Refusal};

const CANNOT_BE_REMOVED: Refusal =
    Refusal::invalid("cannot-be-removed", "This value can be changed but not removed; see errors.");

/// A member of a JSON Merge Patch (RFC 7396).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Absent: keep the value.
    #[default]
    Keep,
    /// `null`: remove the value.
    Clear,
    /// A new value: replace the old one.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the new value, if there is one. Refuses `null`, for a member that cannot be removed.
    pub fn kept(&self, pointer: &'static str) -> Result<Option<&T>, ApiError> {
        match self {
            Self::Keep => Ok(None),
            Self::Clear => Err(CANNOT_BE_REMOVED.at(pointer)),
            Self::Set(value) => Ok(Some(value)),
        }
    }

    /// Returns whether to change the value, and the new value.
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
