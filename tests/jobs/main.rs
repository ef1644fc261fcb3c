//! The functions that no gateway calls: the real binaries, on real services.

mod backup;
mod copies;
mod erased;
mod identical;
mod restore;
mod retention;
mod vault;
