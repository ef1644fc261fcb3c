//! The API does what `openapi.json` says, whoever asks.

mod arranged;
mod contract;
mod schemathesis;
