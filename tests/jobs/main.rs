//! The functions that no gateway calls: the real binaries, on real services.

mod backup;
mod restore;
mod vault;
