//! Lists of ids in a request.

use serde::Deserialize;

const MAX_IDS: usize = 100;

/// 1 to 100 ids.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<T>")]
pub struct Ids<T>(Vec<T>);

impl<T> AsRef<[T]> for Ids<T> {
    fn as_ref(&self) -> &[T] {
        &self.0
    }
}

impl<T> TryFrom<Vec<T>> for Ids<T> {
    type Error = &'static str;

    fn try_from(ids: Vec<T>) -> Result<Self, Self::Error> {
        if (1..=MAX_IDS).contains(&ids.len()) { Ok(Self(ids)) } else { Err("a list has 1 to 100 ids") }
    }
}
