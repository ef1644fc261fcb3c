//! Parses bodies, query strings and paths: strictly, and with all errors at once.
//!
//! `serde_json` accepts an array for a struct, `serde_urlencoded` accepts `+05` for a number, and both stop at the first error.
//! An error says what is wanted. It never contains the value.
//!
//! Errors are found by deserializing again and again: each time without the values that are known to be wrong, and with
//! [`Value::Absent`] for members that are missing.

mod error;
mod member;
mod reader;
#[cfg(test)]
mod tests;
mod value;

use serde::de::DeserializeOwned;

use error::{Error, Reason};
pub use member::{nullable, or_default};
use reader::Reader;
use value::Value;

/// Further errors are not searched: each costs a pass over the input.
pub const MAX_FAULTS: usize = 32;

/// An error at one place of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From the outside in; empty for the input as a whole.
    pub path: Vec<Step>,
    pub detail: String,
}

/// The way from a value to one inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Member(String),
    Element(usize),
}

/// The errors of an input.
#[derive(Debug)]
pub enum Invalid {
    /// Not JSON, or nested too deep.
    Malformed,
    Faults(Vec<Fault>),
}

/// Parses JSON.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Invalid> {
    let value = serde_json::from_slice(bytes).map_err(|_| Invalid::Malformed)?;
    read(value).map_err(Invalid::Faults)
}

/// Parses the parameters of a query string or of a path into a struct. A number is written as JSON writes an integer.
pub fn parameters<T: DeserializeOwned>(
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<T, Vec<Fault>> {
    read(Value::Object(pairs.into_iter().map(|(name, value)| (name, Value::Parameter(value))).collect()))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Vec<Fault>> {
    T::deserialize(Reader::new(&value)).map_err(|first| faults::<T>(value, &first))
}

/// Returns the errors of `value`, of which `first` is known.
fn faults<T: DeserializeOwned>(mut value: Value, first: &Error) -> Vec<Fault> {
    let mut faults = Vec::new();
    while faults.len() < MAX_FAULTS {
        let Err(error) = T::deserialize(Reader::probing(&value)) else { break };
        let detail = error.detail();
        let mut path = error.path();
        // A value from which something was left out is not complete. Its own errors may follow from that.
        let follows = value.at(&path).is_some_and(Value::has_refused);
        if !follows {
            faults.push(Fault { path: path.clone(), detail });
        } else if matches!(error.reason, Reason::Missing(_)) {
            // The member is there, but refused: nothing more can be read from its object.
            path.pop();
        }
        if !value.refuse(&path) {
            break;
        }
    }
    if faults.is_empty() {
        faults.push(Fault { path: first.path(), detail: first.detail() });
    }
    faults
}
