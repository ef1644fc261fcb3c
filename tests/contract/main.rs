//! The API answers as `openapi.json` says, for every kind of caller.

mod clients;
mod contract;
mod schemathesis;
mod setup;
