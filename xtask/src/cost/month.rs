//! What an environment does in a month, at a load.

use anyhow::Result;

use super::environment::Environment;

/// A month.
pub const HOURS: f64 = 730.0;
pub const DAYS: f64 = 30.0;
/// Runs of `recovery-points` (every five minutes) and of the sweeper (every two).
pub const MEASUREMENTS: f64 = 8640.0;
pub const SWEEPS: f64 = 21_900.0;
/// Bytes in a page of PostgreSQL, which is one I/O.
const PAGE_BYTES: f64 = 8192.0;
/// GiB of memory of an ACU.
const ACU_GIB: f64 = 2.0;

/// What a month has, in GB and millions.
pub struct Month {
    pub load: f64,
    /// Invocations of jobs.
    pub jobs: f64,
    pub backups: f64,
    pub backup_seconds: f64,
    pub database_gb: f64,
    /// What a dump reads.
    pub dump_gb: f64,
    pub archive_gb: f64,
    /// The capacity of each instance of a cluster on average.
    pub acu: f64,
}

impl Month {
    pub fn of(environment: &Environment, load: f64) -> Result<Self> {
        let interval = environment.text("app", "BackupInterval")?;
        let hours = match interval.as_str() {
            "30m" => 0.5,
            "1h" => 1.0,
            "6h" => 6.0,
            "12h" => 12.0,
            "1d" => 24.0,
            other => anyhow::bail!("BackupInterval is {other}"),
        };
        let backups = DAYS * 24.0 / hours;
        // After a year with this load.
        let database_gb = 0.1 + 0.6 * load;
        let dump_gb = 0.6 * database_gb;
        let acu = environment.number("data", "MinCapacity")? + 0.02 * load;
        Ok(Self {
            load,
            jobs: (MEASUREMENTS + SWEEPS + backups + 2.0 * DAYS) / 1e6,
            backups,
            backup_seconds: 15.0 + 8.0 * dump_gb,
            database_gb,
            dump_gb,
            archive_gb: database_gb / 6.0,
            acu: acu.min(environment.number("data", "MaxCapacity")?),
        })
    }

    /// Returns the I/O of a cluster, in millions. Data that fits into three quarters of the memory is not read from disk.
    pub fn cluster_io(&self) -> f64 {
        let requests = 5.0 + 1.3 * self.load;
        // A drill writes what a backup has.
        let drills = DAYS * 0.55 * self.dump_gb;
        let fits = self.dump_gb <= 0.75 * ACU_GIB * self.acu;
        // The dump, and the count of the rows.
        let reads = if fits { 0.0 } else { self.backups * 2.0 * self.dump_gb * 1e3 / PAGE_BYTES };
        requests + drills + reads
    }
}
