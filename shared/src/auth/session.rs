//! Session cache: a session is trusted for a few seconds before PostgreSQL is asked again ([`crate::cache::invalidation`]).

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::pending::Pending;
use crate::{
    ApiError,
    cache::invalidation::CacheKey,
    db::{Db, Tx},
    domain::ids::SessionId,
    store::{self, sessions::LiveSession},
};

/// Returns the session `id` if it is live: `cached`, or else from the database.
///
/// Reading the database begins the transaction in which the handler's work continues.
pub(super) async fn find(
    db: &Db,
    pending: &Pending,
    id: SessionId,
    cached: Option<LiveSession>,
    now: DateTime<Utc>,
) -> Result<Option<LiveSession>, ApiError> {
    // A cached session that has expired may have been refreshed since.
    if let Some(session) = cached.filter(|session| now < session.expires_at) {
        return Ok(Some(session));
    }
    let read_at = Instant::now();
    let tx = pending.begin(db).await?;
    let find = async |tx: &mut Tx| Ok::<_, ApiError>(store::sessions::find_live(tx, id).await?);
    let (tx, session) = db.step(tx, find).await?;
    pending.put_transaction(tx);
    if let Some(session) = &session {
        pending.cache(CacheKey::Session(id), session, read_at);
    }
    Ok(session)
}
