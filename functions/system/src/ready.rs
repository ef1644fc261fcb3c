//! `GET /ready`

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{AppState, store};
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use crate::SystemState;

/// However many ask, the dependencies are asked once in this time.
const FRESH: Duration = Duration::from_secs(1);
/// A dependency that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether everything that requests need is there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `unavailable`.
    #[schema(example = "ready", max_length = 16)]
    status: &'static str,
    checks: Checks,
}

/// Dependency by dependency.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    database: Check,
    cache: Check,
    secrets: Check,
}

/// How one dependency answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `ok` or `away`.
    #[schema(example = "ok", max_length = 16)]
    status: &'static str,
    /// How long it took, in milliseconds.
    #[schema(example = 1.25)]
    latency_ms: f64,
}

/// A [`Readiness`] and when it was found.
pub struct Cached(Instant, Readiness);

/// Can requests be served?
///
/// Asks the database, the cache and Secrets Manager, at most once a second.
#[utoipa::path(
    get, path = "/ready", tag = "system", operation_id = "ready",
    responses(
        (status = 200, description = "They can.", body = Readiness),
        (status = 503, description = "Something is away; `checks` names it.", body = Readiness),
    ),
)]
pub async fn ready(State(state): State<SystemState>) -> Response {
    let mut last = state.last_readiness.lock().await;
    let readiness = match last.as_ref() {
        Some(Cached(found, readiness)) if found.elapsed() < FRESH => readiness.clone(),
        _ => {
            let readiness = Box::pin(look(&state.app)).await;
            *last = Some(Cached(Instant::now(), readiness.clone()));
            readiness
        }
    };
    if readiness.status == "ready" {
        Json(readiness).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], Json(readiness)).into_response()
    }
}

async fn look(app: &AppState) -> Readiness {
    let mut ping = redis::pipe();
    ping.ping().ignore();
    let (database, cache, secrets) = tokio::join!(
        check("database", app.db.transaction(async |tx| anyhow::Ok(store::ping(tx).await?))),
        check("cache", async { Ok(app.redis.query::<()>(&ping).await?) }),
        check("secrets", async { app.verifier.key_set().await.map(drop) }),
    );
    let all = [&database, &cache, &secrets].iter().all(|check| check.status == "ok");
    Readiness {
        status: if all { "ready" } else { "unavailable" },
        checks: Checks { database, cache, secrets },
    }
}

async fn check(dependency: &str, answer: impl Future<Output = anyhow::Result<()>>) -> Check {
    let started = Instant::now();
    let answer = timeout(PATIENCE, answer).await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    if let Err(error) = &answer {
        tracing::warn!(dependency, error = format!("{error:#}"), "dependency away");
    }
    Check {
        status: if answer.is_ok() { "ok" } else { "away" },
        latency_ms: (started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
    }
}
