//! What is known of a session between two looks at the database.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AppState,
    domain::ids::SessionId,
    store::{self, sessions::LiveSession},
};

/// How long a session, or an account, is believed to be as it was without asking: the most that an end or a change can
/// go unnoticed, and only if Redis was away when it came.
pub(super) const BELIEF: Duration = Duration::from_secs(5);
/// How long an end, or a change, is remembered: longer than any reading of the database that began before it.
pub(super) const MEMORY: Duration = Duration::from_mins(1);

/// What the cache holds under a session's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cached {
    Live(LiveSession),
    Ended,
}

/// The session `id`, if it is alive: from `cached` if that says anything, otherwise from the database.
pub(crate) async fn find(
    state: &AppState,
    id: SessionId,
    cached: Option<Cached>,
) -> anyhow::Result<Option<LiveSession>> {
    let now = state.clock.now();
    let session = match cached {
        Some(Cached::Ended) => None,
        Some(Cached::Live(session)) => Some(session),
        None => {
            let session = state
                .db
                .transaction(async |tx| anyhow::Ok(store::sessions::find_live(tx, id, now).await?))
                .await?;
            if let Some(session) = &session {
                remember(state, id, session).await;
            }
            session
        }
    };
    Ok(session.filter(|session| now < session.expires_at))
}

/// Never over an end that was written meanwhile: `NX`.
async fn remember(state: &AppState, id: SessionId, session: &LiveSession) {
    let Ok(value) = serde_json::to_string(&Cached::Live(session.clone())) else { return };
    let mut commands = redis::pipe();
    commands
        .cmd("SET")
        .arg(state.redis.session_key(id))
        .arg(value)
        .arg("NX")
        .arg("EX")
        .arg(BELIEF.as_secs())
        .ignore();
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::debug!(%error, "session not cached");
    }
}

/// Makes every instance forget the sessions that the database has just ended.
///
/// If Redis is away they are forgotten within [`BELIEF`].
pub async fn forget(state: &AppState, ended: &[SessionId]) {
    let Ok(value) = serde_json::to_string(&Cached::Ended) else { return };
    if ended.is_empty() {
        return;
    }
    let mut commands = redis::pipe();
    for id in ended {
        commands
            .cmd("SET")
            .arg(state.redis.session_key(*id))
            .arg(&value)
            .arg("EX")
            .arg(MEMORY.as_secs())
            .ignore();
    }
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::warn!(%error, "ended sessions not announced; they are forgotten within seconds");
    }
}
