//! Changes of accounts that several functions share.

pub mod departure;
pub mod erasure;
pub mod erasure_ledger;
pub mod export;
pub mod export_file;
pub mod invitation;
