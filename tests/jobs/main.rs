//! The functions that no gateway calls: the real binaries, on real services.

mod artifacts;
mod authentic;
mod backup;
mod backup_store;
mod breaker;
mod cloudformation;
mod cluster;
mod databases;
mod deployment;
mod erased;
mod identical;
mod import;
mod keys;
mod ledger;
mod limits;
mod mail_events;
mod model;
mod passwords;
mod properties;
mod recovery_points;
mod redis_password;
mod restore;
mod retention;
mod smoke;
mod strict_s3;
mod target;
