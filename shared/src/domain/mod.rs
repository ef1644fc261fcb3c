//! Types and rules without I/O: no `async`, no client.

#[macro_use]
pub mod text_enum;

pub mod actor;
pub mod artifact_chunk;
pub mod audit;
pub mod changes;
pub mod chunking;
pub mod citations;
pub mod clock;
pub mod conversation;
pub mod database_name;
pub mod deadline;
pub mod factor;
pub mod file_event;
pub mod ids;
pub mod ingestion;
pub mod input;
pub mod language;
pub mod mail_delivery;
pub mod page;
pub mod parse;
pub mod passkey;
pub mod password;
pub mod patch;
pub mod permission;
pub mod personal_data;
pub mod plan;
pub mod prompt;
pub mod provider;
pub mod return_to;
pub mod timestamp;
pub mod usage;
pub mod vector;
