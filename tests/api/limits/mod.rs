//! Limits: who uses them up, who does not, and what the responses say.

mod accounts;
mod devices;
mod headers;
mod mails;
mod replays;
mod requests;
