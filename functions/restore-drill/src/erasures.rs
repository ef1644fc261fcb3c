//! Repeats the erasures that were decided after the backup was made.

use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    accounts::{
        erasure,
        erasure_ledger::{Entry, Ledger, Outcome},
    },
    aws::s3::Bucket,
    backup::{Catalogue, Choice, Manifest, State},
    db::{self, Db},
    domain::ids::{OrganizationId, UserId},
    lambda::job::Job,
    store,
};
use sqlx::Connection;

/// What to do with the users of an entry that is neither confirmed nor cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unconfirmed {
    /// Erase them.
    Erase,
    /// Leave them as they are.
    Keep,
}

/// The result of the repeated erasures.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    pub erased_again: usize,
    /// The organizations left without an owner who can act: in this copy, ownership was not transferred yet.
    pub ownerless: Vec<OrganizationId>,
    /// The entries of the ledger that are neither confirmed nor cancelled.
    pub unconfirmed: Vec<String>,
}

/// The entries to repeat.
pub struct Erasures(Vec<(String, Outcome, Entry)>);

impl Erasures {
    /// Reads the entries since the backup of `manifest`. Refuses a ledger that is not that of the backup.
    pub async fn of(
        state: &State,
        manifest: &Manifest,
        unconfirmed: Option<Unconfirmed>,
    ) -> anyhow::Result<Self> {
        let bucket = bucket(state);
        let ledger = Ledger::read(&bucket).await?;
        ledger.require(&manifest.id, &manifest.ledger, manifest.taken_at, state.clock.now())?;
        Self::read(&ledger, manifest.taken_at, unconfirmed).await
    }

    /// Reads the entries since `moment`, the time of the data in the database at `url`, which was restored by other means.
    ///
    /// Refuses a moment that backups and ledger do not cover, and a ledger that is not that of the newest backup. If the data is
    /// older than `moment`, the time of the data counts.
    pub async fn since(
        state: &State,
        moment: DateTime<Utc>,
        url: &str,
        unconfirmed: Option<Unconfirmed>,
    ) -> anyhow::Result<Self> {
        let mut connection = db::connect(url).await?;
        let newest = store::audit_events::newest(&mut connection).await?;
        connection.close().await?;
        let (bucket, now) = (bucket(state), state.clock.now());
        let ledger = Ledger::read(&bucket).await?;
        let catalogue = Catalogue::read(&state.bucket).await?;
        require_covered(moment, &ledger, &catalogue, now)?;
        if let Some(backup) = catalogue.newest() {
            let text = Choice::default().authentic(&state.bucket, &state.mac_key, backup).await?;
            let manifest = Manifest::read(&backup.id, &text)?;
            ledger.require(&manifest.id, &manifest.ledger, manifest.taken_at, now)?;
        }
        Self::read(&ledger, newest.map_or(moment, |newest| newest.min(moment)), unconfirmed).await
    }

    async fn read(
        ledger: &Ledger<'_>,
        moment: DateTime<Utc>,
        unconfirmed: Option<Unconfirmed>,
    ) -> anyhow::Result<Self> {
        let found = Self(ledger.since(moment).await?);
        let open = found.unconfirmed();
        ensure!(
            open.is_empty() || unconfirmed.is_some(),
            "it is unknown whether these erasures happened: {}; choose \"unconfirmed\": \"erase\" or \"keep\", see \
             docs/operations/restore.md",
            open.join(", ")
        );
        Ok(found)
    }

    fn unconfirmed(&self) -> Vec<String> {
        let open = self.0.iter().filter(|(_, outcome, _)| *outcome == Outcome::Unknown);
        open.map(|(key, ..)| key.clone()).collect()
    }

    /// Erases the users in the database at `url`.
    pub async fn replay(
        self,
        state: &State,
        unconfirmed: Option<Unconfirmed>,
        url: &str,
        job: &Job,
    ) -> anyhow::Result<Replayed> {
        let config = state.config.database.at(url);
        let db = Db::new(config, state.secrets.clone(), None, Arc::clone(&state.clock));
        // Connects even if the ledger has no new entry, so that a failure is found in every drill.
        db.transaction_as(async |_| anyhow::Ok(())).await?;
        let mut replayed = Replayed { unconfirmed: self.unconfirmed(), ..Replayed::default() };
        let decided = |outcome| outcome == Outcome::Confirmed || unconfirmed == Some(Unconfirmed::Erase);
        for (_, _, entry) in self.0.into_iter().filter(|(_, outcome, _)| decided(*outcome)) {
            for user in entry.users {
                if let Some(ownerless) = erase(&db, user, entry.erased_at, job).await? {
                    tracing::info!(user.id = %user, "user erased again");
                    replayed.erased_again += 1;
                    replayed.ownerless.extend(ownerless);
                }
            }
        }
        Ok(replayed)
    }
}

fn bucket(state: &State) -> Bucket {
    Bucket::new(&state.config.storage.erasures, "")
}

/// Fails if erasures after `moment` may be in neither the ledger nor the data of a backup.
fn require_covered(
    moment: DateTime<Utc>,
    ledger: &Ledger<'_>,
    catalogue: &Catalogue,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let begins_at = ledger.begins_at(now);
    let backups: Vec<_> = catalogue.0.iter().filter(|backup| backup.complete).map(|b| b.begun_at).collect();
    let covered_since = begins_at.into_iter().chain(backups.first().copied()).min();
    let show =
        |time: Option<DateTime<Utc>>| time.map_or_else(|| "never".to_owned(), |time| time.to_rfc3339());
    ensure!(
        covered_since.is_some_and(|since| since <= moment) && moment <= now,
        "no erasures are known since {}: the ledger covers {} to {}, the backups {} to {}",
        moment.to_rfc3339(),
        show(begins_at),
        now.to_rfc3339(),
        show(backups.first().copied()),
        show(backups.last().copied())
    );
    Ok(())
}

/// Erases a user with the time of the first erasure, and returns the organizations left without an owner. Returns `None` if the
/// user does not exist, is erased already, or is under a later legal hold.
async fn erase(
    db: &Db,
    id: UserId,
    erased_at: DateTime<Utc>,
    job: &Job,
) -> anyhow::Result<Option<Vec<OrganizationId>>> {
    db.transaction_as(async |tx| {
        let user = store::users::lock(tx, id).await?.filter(|user| user.erased_at.is_none());
        let Some(user) = user else { return Ok(None) };
        if user.legal_hold_at.is_some_and(|held_at| held_at > erased_at) {
            // The ledger was written, and the erasure itself failed: otherwise no hold could have been placed.
            tracing::warn!(user.id = %id, "user not erased again: held since");
            return Ok(None);
        }
        tx.set_now(erased_at);
        Ok(Some(erasure::erase_anyway(tx, &user, &job.request()).await?))
    })
    .await
}
