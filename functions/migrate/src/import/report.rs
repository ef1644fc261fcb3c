//! What an import did, or would do. Nothing of it is about a person.

use serde::Serialize;
use shared::crypto::imported_password::Unusable;

/// The refusals that a report lists. The log has all.
const MAX_REFUSALS: usize = 1000;

/// The result of an import.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub dry_run: bool,
    /// The whole file was read. If not, the time was over, or a damage hides the rest; run the import again.
    pub finished: bool,
    pub records: u64,
    pub imported: u64,
    /// Of the imported users: without a password, so they sign in by mail or set one.
    pub without_password: u64,
    /// Of the imported users: with an address that the other system had not verified.
    pub unverified: u64,
    /// Of the imported users: suspended, because the other system refuses their sign-ins.
    pub suspended: u64,
    /// Records whose hash could not be used, and whose users get no password.
    pub dropped_passwords: u64,
    pub skipped: Skipped,
    pub refused: u64,
    /// The first refused records.
    pub refusals: Vec<Refusal>,
}

/// Records that change nothing, and why.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The user was imported before.
    pub known: u64,
    /// Another account has the address.
    pub taken: u64,
    /// The address is of an account that was deleted here and can still be restored.
    pub deleted: u64,
    /// The user was erased here.
    pub erased: u64,
    /// The other system had deleted the user, or the record is not of a person.
    pub not_active: u64,
}

/// The reason for which a record changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    Known,
    Taken,
    Deleted,
    Erased,
    NotActive,
}

/// A record that cannot be imported.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its number in the file; the first is 1.
    pub record: u64,
    /// The line on which it begins.
    pub line: u64,
    pub reason: String,
}

/// The reason for which a record cannot be imported. It contains nothing of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the record is not a JSON object")]
    NoObject,
    #[error("the row has more or fewer columns than the first one")]
    Columns,
    #[error("the row has a quotation mark too few or too many")]
    Quotes,
    #[error("the record is not UTF-8 text")]
    NoText,
    #[error("the record is longer than 1 MiB")]
    TooLong,
    #[error("the file ends in the middle of the record")]
    Cut,
    #[error("the record has no id")]
    NoId,
    #[error("the record has no address")]
    NoAddress,
    #[error("the address cannot be used: {0}")]
    Address(&'static str),
    #[error("the record says nothing about the verification of its address")]
    NoVerification,
    #[error("the record has no name that can be shown")]
    NoName,
    #[error(transparent)]
    Hash(Unusable),
}

impl Report {
    pub(super) fn skip(&mut self, reason: Skip) {
        let skipped = &mut self.skipped;
        let count = match reason {
            Skip::Known => &mut skipped.known,
            Skip::Taken => &mut skipped.taken,
            Skip::Deleted => &mut skipped.deleted,
            Skip::Erased => &mut skipped.erased,
            Skip::NotActive => &mut skipped.not_active,
        };
        *count += 1;
    }

    pub(super) fn refuse(&mut self, record: u64, line: u64, reason: Refused) {
        tracing::warn!(record, line, %reason, "record refused");
        self.refused += 1;
        if self.refusals.len() < MAX_REFUSALS {
            self.refusals.push(Refusal { record, line, reason: reason.to_string() });
        }
    }
}
