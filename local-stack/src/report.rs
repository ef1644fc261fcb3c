//! Progress of long work.

use std::time::Duration;

/// Receives progress, from several threads concurrently.
pub trait Report: Sync {
    /// Called when long work begins.
    fn begins(&self, what: &str);
    /// Called when work is done.
    fn done(&self, what: &str, took: Duration);
}

/// Ignores all progress.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Report for Silent {
    fn begins(&self, _: &str) {}
    fn done(&self, _: &str, _: Duration) {}
}
