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

/// How long a result is kept: the dependencies are checked once in this time, however many requests come.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// A dependency that takes longer is unavailable.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of the dependencies of requests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `unavailable`.
    #[schema(example = "ready", max_length = 16)]
    status: &'static str,
    checks: Checks,
}

/// The checks of the dependencies.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    database: Check,
    cache: Check,
    secrets: Check,
}

/// The check of one dependency.
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

/// A [`Readiness`], and the time of its checks.
pub struct Cached(Instant, Readiness);

/// Check the dependencies.
///
/// These are the database, the cache and Secrets Manager. Each is checked at most once per second.
#[utoipa::path(
    get, path = "/ready", tag = "system", operation_id = "ready",
    responses(
        (status = 200, description = "All dependencies are available.", body = Readiness),
        (status = 503, description = "A dependency is unavailable; `checks` names it.", body = Readiness),
    ),
)]
pub async fn ready(State(state): State<SystemState>) -> Response {
    let mut last = state.last_readiness.lock().await;
    let readiness = match last.as_ref() {
        Some(Cached(found, readiness)) if found.elapsed() < CACHE_TTL => readiness.clone(),
        _ => {
            let readiness = Box::pin(check_all(&state.app)).await;
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

async fn check_all(app: &AppState) -> Readiness {
    let mut ping = redis::pipe();
    ping.ping().ignore();
    let (database, cache, secrets) = tokio::join!(
        check("database", app.db.transaction_as(async |tx| anyhow::Ok(store::ping(tx).await?))),
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
    let answer = timeout(CHECK_TIMEOUT, answer).await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    if let Err(error) = &answer {
        tracing::warn!(dependency, error = format!("{error:#}"), "dependency unavailable");
    }
    Check {
        status: if answer.is_ok() { "ok" } else { "away" },
        latency_ms: (started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
    }
}
