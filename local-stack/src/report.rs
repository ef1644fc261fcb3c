//! Who is told how far things are.

use std::time::Duration;

/// Told about progress, from several threads at once.
pub trait Report: Sync {
    /// Something that takes long begins.
    fn begins(&self, what: &str);
    /// Something is done, and how long it took.
    fn done(&self, what: &str, took: Duration);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Report for Silent {
    fn begins(&self, _: &str) {}
    fn done(&self, _: &str, _: Duration) {}
}
