//! The measured times and round trips.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::calls::Call;
use crate::world::millis;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    Ours,
    /// better-auth with our password hash.
    Argon2id,
    /// better-auth with its own password hash.
    Scrypt,
    /// One password hash, without anything else.
    Hash,
}

impl Server {
    pub const ALL: [Self; 4] = [Self::Ours, Self::Argon2id, Self::Scrypt, Self::Hash];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Argon2id => "better-auth, same argon2id",
            Self::Scrypt => "better-auth, default",
            Self::Hash => "one hash",
        }
    }
}

/// The times of a call in milliseconds, without those of the server's endpoint without dependencies.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    pub median: f64,
    pub p99: f64,
}

#[derive(Default)]
pub struct Samples {
    times: BTreeMap<(Server, Call), Vec<f64>>,
    /// Round trips: ours to Redis and to PostgreSQL, and those of the two others to PostgreSQL.
    trips: BTreeMap<Call, [usize; 4]>,
    rounds: BTreeMap<Call, usize>,
}

impl Samples {
    pub fn add(&mut self, server: Server, call: Call, took: Duration) {
        self.times.entry((server, call)).or_default().push(millis(took));
    }

    /// Adds the round trips of a round, which are those between two counts.
    pub fn add_trips(&mut self, call: Call, before: &[usize; 4], after: &[usize; 4]) {
        let sum = self.trips.entry(call).or_default();
        for (sum, (before, after)) in sum.iter_mut().zip(before.iter().zip(after)) {
            *sum += after - before;
        }
        *self.rounds.entry(call).or_default() += 1;
    }

    /// Returns the times as they were measured.
    pub fn raw(&self, server: Server, call: Call) -> Option<Figure> {
        let mut sorted = self.times.get(&(server, call))?.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| sorted.get((sorted.len() - 1) * percent / 100).copied();
        Some(Figure { median: at(50)?, p99: at(99)? })
    }

    /// Returns the times without those of the server's endpoint without dependencies.
    pub fn figure(&self, server: Server, call: Call) -> Option<Figure> {
        let floor = self.raw(server, Call::Health)?.median;
        let Figure { median, p99 } = self.raw(server, call)?;
        Some(Figure { median: median - floor, p99: p99 - floor })
    }

    /// Returns the round trips of a call: ours to Redis and to PostgreSQL, and those of the two others to PostgreSQL.
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    pub fn trips(&self, call: Call) -> [f64; 4] {
        let calls = self.rounds.get(&call).copied().unwrap_or_default() * call.per_round();
        self.trips.get(&call).copied().unwrap_or_default().map(|trips| trips as f64 / calls as f64)
    }

    /// Returns all figures, with the times as they were measured.
    pub fn json(&self) -> Value {
        let rows = self.times.iter().filter_map(|(&(server, call), times)| {
            let Figure { median, p99 } = self.raw(server, call)?;
            let (server, samples) = (server.name(), times.len());
            Some(json!({ "server": server, "call": call.name(), "samples": samples, "median": median, "p99": p99 }))
        });
        rows.collect()
    }
}
