//! The functions that no gateway calls: the real binaries, on real services.

mod backup;
mod backup_store;
mod cloudformation;
mod cluster;
mod databases;
mod deployment;
mod erased;
mod identical;
mod keys;
mod ledger;
mod limits;
mod passwords;
mod properties;
mod restore;
mod retention;
mod smoke;
mod target;
