//! Looks users up and inserts them, many in one statement. Each statement is a transaction, so none lasts long.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    mem,
};

use shared::{
    domain::ids::UserId,
    store::users::{self, ImportedUser},
};
use sqlx::PgConnection;

use super::report::{Report, Skip};

/// The users of one statement.
const MAX_USERS: usize = 500;

/// The users that are not looked up yet.
pub struct Batch<'a> {
    pub report: Report,
    connection: &'a mut PgConnection,
    request_id: &'a str,
    /// Users whose erasures are in the ledger.
    erased: HashSet<UserId>,
    users: Vec<ImportedUser>,
    /// The users that a dry run would have inserted: hashes of their ids and addresses.
    would_exist: HashSet<u64>,
}

impl<'a> Batch<'a> {
    pub fn new(
        connection: &'a mut PgConnection,
        erased: HashSet<UserId>,
        dry_run: bool,
        request_id: &'a str,
    ) -> Self {
        let report = Report { dry_run, ..Report::default() };
        Self { report, connection, request_id, erased, users: Vec::new(), would_exist: HashSet::new() }
    }

    /// Adds a user. Inserts all when there are enough.
    pub async fn add(&mut self, user: ImportedUser) -> anyhow::Result<()> {
        self.users.push(user);
        if self.users.len() < MAX_USERS { Ok(()) } else { self.insert().await }
    }

    /// Inserts the rest, and returns the report.
    pub async fn finish(mut self, finished: bool) -> anyhow::Result<Report> {
        self.insert().await?;
        self.report.finished = finished;
        Ok(self.report)
    }

    async fn insert(&mut self) -> anyhow::Result<()> {
        let users = mem::take(&mut self.users);
        if users.is_empty() {
            return Ok(());
        }
        let mut new = self.new_ones(users).await?;
        if new.is_empty() {
            return Ok(());
        }
        sort(&mut new);
        let inserted: HashSet<_> = if self.report.dry_run {
            new.iter().map(|user| user.id).collect()
        } else {
            users::insert_imported(self.connection, &new, self.request_id).await?.into_iter().collect()
        };
        for user in new {
            if inserted.contains(&user.id) {
                let report = &mut self.report;
                report.imported += 1;
                report.without_password += u64::from(user.password_hash.is_none());
                report.unverified += u64::from(!user.is_verified);
                report.suspended += u64::from(user.suspended_reason.is_some());
            } else {
                // Somebody registered the address after it was looked up.
                self.report.skip(Skip::Taken);
            }
        }
        Ok(())
    }

    /// Returns the users who are not there yet. Counts the others.
    async fn new_ones(&mut self, users: Vec<ImportedUser>) -> anyhow::Result<Vec<ImportedUser>> {
        let ids: Vec<_> = users.iter().map(|user| user.id).collect();
        let addresses: Vec<_> = users.iter().map(|user| user.email.as_ref().to_lowercase()).collect();
        let by_id: HashMap<_, _> = users::find_by_ids(self.connection, &ids).await?.into_iter().collect();
        let by_address: HashMap<_, _> =
            users::find_by_addresses(self.connection, &addresses).await?.into_iter().collect();
        let mut in_batch = HashSet::new();
        let mut new = Vec::new();
        for (user, address) in users.into_iter().zip(addresses) {
            let seen = if self.report.dry_run { &mut self.would_exist } else { &mut in_batch };
            let (id_hash, address_hash) = (hash(&user.id), hash(&address));
            let skip = match (by_id.get(&user.id), by_address.get(&address)) {
                (Some(true), _) => Some(Skip::Erased),
                (Some(false), _) => Some(Skip::Known),
                _ if self.erased.contains(&user.id) => Some(Skip::Erased),
                (None, Some(true)) => Some(Skip::Deleted),
                (None, Some(false)) => Some(Skip::Taken),
                _ if seen.contains(&id_hash) => Some(Skip::Known),
                _ if seen.contains(&address_hash) => Some(Skip::Taken),
                (None, None) => None,
            };
            if let Some(reason) = skip {
                self.report.skip(reason);
            } else {
                seen.extend([id_hash, address_hash]);
                new.push(user);
            }
        }
        Ok(new)
    }
}

/// Sorts users by address. An insert waits for another import that inserts the same user; with one order, no two wait for each other.
pub fn sort(users: &mut [ImportedUser]) {
    users.sort_by_cached_key(|user| user.email.as_ref().to_lowercase());
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
