//! What is known of a caller's account between two looks at the database.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::session::{BELIEF, MEMORY};
use crate::{
    AppState,
    cache::redis::Redis,
    domain::ids::UserId,
    store::{self, users::User},
};

/// What stands in the place of an account that has just changed: it says nothing, and nothing is put over it.
const CHANGED: &str = "changed";

/// A living account, as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub id: UserId,
    /// What the person is called.
    pub name: String,
    /// Where they read mail.
    pub email: String,
    /// When they proved it.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// A picture's URL.
    pub image: Option<String>,
    /// A phone number.
    pub phone: Option<String>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts every change.
    pub version: i64,
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        let User {
            id, name, email, email_verified_at, image, phone, created_at, updated_at, version, ..
        } = user;
        Self { id, name, email, email_verified_at, image, phone, created_at, updated_at, version }
    }
}

/// The account `id`, if it is alive: `cached`, or else what the database says.
pub(crate) async fn find(
    state: &AppState,
    id: UserId,
    cached: Option<Arc<Account>>,
) -> anyhow::Result<Option<Arc<Account>>> {
    if cached.is_some() {
        return Ok(cached);
    }
    let user = state.db.transaction(async |tx| anyhow::Ok(store::users::find(tx, id).await?)).await?;
    let account = user.map(|user| Arc::new(Account::from(user)));
    if let Some(account) = &account {
        remember(state, account).await;
    }
    Ok(account)
}

/// Never over a change that was announced meanwhile: `NX`.
async fn remember(state: &AppState, account: &Account) {
    let Ok(value) = serde_json::to_string(account) else { return };
    let mut commands = redis::pipe();
    let key = state.redis.account_key(account.id);
    commands.cmd("SET").arg(key).arg(value).arg("NX").arg("EX").arg(BELIEF.as_secs()).ignore();
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::debug!(%error, "account not cached");
    }
}

/// Makes every instance forget the accounts that a transaction has just changed.
///
/// If Redis is away they are forgotten within [`BELIEF`].
pub(crate) async fn forget(redis: &Redis, changed: &[UserId]) {
    let mut commands = redis::pipe();
    for id in changed {
        commands.cmd("SET").arg(redis.account_key(*id)).arg(CHANGED).arg("EX").arg(MEMORY.as_secs()).ignore();
    }
    if let Err(error) = redis.query::<()>(&commands).await {
        tracing::warn!(%error, "changed accounts not announced; they are forgotten within seconds");
    }
}
