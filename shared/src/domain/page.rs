//! Pages of lists, in the same form for every resource.

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    IntoParams, ToSchema,
    openapi::schema::{Array, ArrayBuilder, Ref},
};
use uuid::Uuid;

use crate::domain::parse::or_default;

const DEFAULT_LIMIT: u8 = 20;
const MAX_LIMIT: u8 = 100;
/// 10,000 AD, in microseconds.
const FAR_FUTURE: i64 = 253_402_300_800_000_000;

/// The body of a response with one resource.
#[derive(Debug, Serialize, ToSchema)]
pub struct Data<T> {
    /// The resource.
    #[schema(schema_with = reference::<T>)]
    pub data: T,
}

/// The body of a response with one page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The resources on this page.
    #[schema(schema_with = references::<T>)]
    pub data: Vec<T>,
    /// The cursor of the next page.
    pub meta: PageMeta,
}

/// Refers to `T` by name. The derive copies `T` into each envelope, and generated clients then have no type for it.
fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

fn references<T: ToSchema>() -> Array {
    ArrayBuilder::new().items(reference::<T>()).max_items(Some(MAX_LIMIT.into())).build()
}

/// The position of the next page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    /// Send it as `cursor` to get the next page; null on the last page.
    #[schema(min_length = 32, max_length = 32)]
    pub next_cursor: Option<String>,
}

/// The query parameters of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The maximum number of resources on the page.
    #[serde(default, deserialize_with = "or_default")]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// The `nextCursor` of the previous page.
    #[param(value_type = Option<String>, min_length = 32, max_length = 32, pattern = "^[A-Za-z0-9_-]{32}$")]
    cursor: Option<Cursor>,
    /// Oldest first (`createdAt`) or newest first (`-createdAt`).
    #[serde(default, deserialize_with = "or_default")]
    #[param(inline)]
    sort: Sort,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Sort {
    /// Oldest first.
    #[serde(rename = "createdAt")]
    OldestFirst,
    /// Newest first.
    #[default]
    #[serde(rename = "-createdAt")]
    NewestFirst,
}

impl PageQuery {
    /// Returns the query of the longest page after `after`, newest first.
    #[must_use]
    pub fn longest(after: Option<Position>) -> Self {
        Self { limit: Limit(MAX_LIMIT), cursor: after.map(Cursor), sort: Sort::NewestFirst }
    }

    /// Returns the position of the last row of the previous page.
    #[must_use]
    pub fn after(&self) -> Option<Position> {
        self.cursor.as_ref().map(|cursor| cursor.0)
    }

    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Returns the number of rows to read: one more than the page has, to know whether there is a next page.
    #[must_use]
    pub fn rows(&self) -> i64 {
        i64::from(self.limit.0) + 1
    }

    /// Creates a page from the rows that were read ([`Self::rows`]). `position` gives the cursor of a row, `view` its resource.
    pub fn page<R, T>(
        &self,
        rows: Vec<R>,
        position: impl Fn(&R) -> Position,
        view: impl FnMut(R) -> T,
    ) -> Page<T> {
        self.page_within(usize::MAX, rows, |_| 0, position, view)
    }

    /// Creates a page whose rows have together at most `max_size`, or of one row. For rows so large that a page of them could be larger
    /// than a response.
    pub fn page_within<R, T>(
        &self,
        max_size: usize,
        mut rows: Vec<R>,
        size: impl Fn(&R) -> usize,
        position: impl Fn(&R) -> Position,
        view: impl FnMut(R) -> T,
    ) -> Page<T> {
        let mut total = 0_usize;
        let fits = |row: &&R| {
            total = total.saturating_add(size(row));
            total <= max_size
        };
        let fitting = rows.iter().take_while(fits).count().max(1);
        let limit = fitting.min(usize::from(self.limit.0));
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| position(last).encode());
        Page { data: rows.into_iter().map(view).collect(), meta: PageMeta { next_cursor } }
    }
}

/// The position of a row in a list.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// The time of creation, in microseconds.
    pub at: DateTime<Utc>,
    /// Orders rows with the same time.
    pub id: Uuid,
}

impl Position {
    fn encode(self) -> String {
        BASE64URL_NOPAD.encode(&[&self.at.timestamp_micros().to_be_bytes()[..], self.id.as_bytes()].concat())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (at, id) = bytes.split_at_checked(8)?;
        // A forged cursor may contain a time that the database cannot represent. No row is outside of these bounds.
        let micros = i64::from_be_bytes(at.try_into().ok()?).clamp(0, FAR_FUTURE);
        Some(Self { at: DateTime::from_timestamp_micros(micros)?, id: Uuid::from_slice(id).ok()? })
    }
}

#[derive(Debug)]
struct Limit(u8);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer) {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(Self(limit)),
            _ => Err(D::Error::custom("this must be an integer from 1 to 100")),
        }
    }
}

/// The last row of a page. Gives no access: the query itself selects only rows that the caller may see.
#[derive(Debug)]
struct Cursor(Position);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Position::decode(&raw)
            .map(Self)
            .ok_or_else(|| D::Error::custom("this must be the nextCursor of an earlier page"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_of_large_rows_is_shorter_and_continues() {
        let query = PageQuery { limit: Limit(3), cursor: None, sort: Sort::NewestFirst };
        let position = |_: &usize| Position { at: DateTime::UNIX_EPOCH, id: Uuid::nil() };
        for (rows, max_size, length, more) in [
            (vec![], 10, 0, false),
            (vec![1, 1, 1], 10, 3, false),
            (vec![1, 1, 1, 1], 10, 3, true),
            (vec![5, 5, 1], 10, 2, true),
            (vec![5, 5], 10, 2, false),
            (vec![11], 10, 1, false),
            (vec![11, 1], 10, 1, true),
        ] {
            let page = query.page_within(max_size, rows.clone(), |row| *row, position, |row| row);
            assert_eq!((page.data.len(), page.meta.next_cursor.is_some()), (length, more), "{rows:?}");
        }
    }
}
