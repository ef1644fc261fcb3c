//! The functions that no gateway calls.

mod retention;
