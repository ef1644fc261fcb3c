//! The API does what `openapi.json` says, whoever asks.

mod arranged;
mod clients;
mod contract;
mod schemathesis;
