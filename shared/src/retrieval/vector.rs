//! The vector of a query: from the cache, or from the model for tokens of the organization.

use std::time::Duration;

use chrono::TimeDelta;

use super::VectorKey;
use crate::{
    ApiError, AppState, ReachedLimit,
    auth::Actor,
    config::Models,
    db::Tx,
    domain::{
        deadline::Deadline,
        ids::{OrganizationId, ReservationId},
        plan::Plan,
        usage::{Usage, UsageKind, estimate, next_month},
    },
    http_client::embeddings::{EmbeddingError, Embeddings},
    store::token_budgets::{self, Reserved},
};

/// Without an answer of the model by then, the search is by words only.
const MODEL_TIMEOUT: Duration = Duration::from_secs(5);
/// After this, the reservation of a request that died is removed. A request takes 25 s at most.
const RESERVATION_TTL: TimeDelta = TimeDelta::minutes(1);
/// When to try again if calls in progress have reserved all tokens that are left.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// The vector of a query.
pub struct QueryVector {
    pub vector: Result<Vec<f32>, Missing>,
    /// To be settled. `None` if the model was not asked.
    pub bill: Option<Bill>,
    /// Where to cache the vector, if the model made it.
    pub key: Option<VectorKey>,
}

/// The tokens that a call of the model has used.
pub struct Bill {
    organization: OrganizationId,
    reservation: ReservationId,
    tokens: u64,
}

/// A reason why there is no vector.
pub enum Missing {
    BudgetUsedUp(ReachedLimit),
    ModelUnavailable(EmbeddingError),
}

impl QueryVector {
    /// Returns a vector that was cached.
    #[must_use]
    pub fn cached(vector: Vec<f32>) -> Self {
        Self { vector: Ok(vector), bill: None, key: None }
    }

    /// Asks the model for the vector of `query`, which is not cached. No transaction is open while it answers.
    pub async fn make(
        app: &AppState,
        embeddings: &Embeddings,
        actor: &impl Actor,
        organization: OrganizationId,
        query: &str,
        key: Option<VectorKey>,
    ) -> Result<Self, ApiError> {
        let reservation = match reserve(app, actor, organization, query).await? {
            Ok(reservation) => reservation,
            Err(reached) => {
                return Ok(Self { vector: Err(Missing::BudgetUsedUp(reached)), bill: None, key: None });
            }
        };
        let embedded = embeddings.embed(&[query], Deadline::after(MODEL_TIMEOUT)).await;
        let (vector, tokens) = match embedded {
            Ok(embedded) => {
                let none = || {
                    let why = "no vector".to_owned();
                    Missing::ModelUnavailable(EmbeddingError::Invalid { why, tokens: embedded.tokens })
                };
                (embedded.vectors.into_iter().next().ok_or_else(none), embedded.tokens)
            }
            Err(error) => {
                tracing::warn!(%error, "query not embedded");
                let tokens = error.tokens();
                (Err(Missing::ModelUnavailable(error)), tokens)
            }
        };
        let bill = Bill { organization, reservation, tokens };
        Ok(Self { vector, bill: Some(bill), key })
    }
}

/// Reserves tokens for `query`, in a transaction of its own.
async fn reserve(
    app: &AppState,
    actor: &impl Actor,
    organization: OrganizationId,
    query: &str,
) -> Result<Result<ReservationId, ReachedLimit>, ApiError> {
    let reservation = ReservationId::new();
    let plan = Plan::named(app.config.application.default_plan).unwrap_or(Plan::Free);
    let limit = plan.limits().tokens_per_month;
    let reserve = async |tx: &mut Tx| {
        let (tokens, expires_at) = (estimate(query.len()), tx.now() + RESERVATION_TTL);
        Ok(token_budgets::reserve(tx, organization, reservation.0, tokens, limit, expires_at).await?)
    };
    Ok(match actor.transaction(reserve).await? {
        Reserved::Yes => Ok(reservation),
        Reserved::Busy => Err(reached_budget(app, limit, true)),
        Reserved::UsedUp => Err(reached_budget(app, limit, false)),
    })
}

/// Returns the limit of tokens of this month, which is reached. `is_busy` if calls in progress have reserved the tokens that are left.
#[must_use]
pub fn reached_budget(app: &AppState, limit: i64, is_busy: bool) -> ReachedLimit {
    let now = app.clock.now();
    let until_next_month = (next_month(now) - now).to_std().unwrap_or_default();
    let wait = if is_busy { BUSY_WAIT } else { until_next_month };
    ReachedLimit::new(u32::try_from(limit).unwrap_or(u32::MAX), wait)
}

impl Bill {
    /// Records the tokens, and ends the reservation. Locks the budget of the organization, so it is the last work of a transaction.
    pub async fn settle(&self, tx: &mut Tx, models: &Models) -> Result<(), ApiError> {
        let Self { organization, reservation, tokens } = *self;
        if tokens == 0 {
            return Ok(token_budgets::cancel(tx, organization, reservation.0).await?);
        }
        let usage = Usage {
            kind: UsageKind::Query,
            model: &models.embedding_model,
            prompt_tokens: tokens,
            completion_tokens: 0,
            price: models.prices.of(&models.embedding_model),
            estimated: false,
        };
        Ok(token_budgets::settle(tx, organization, reservation.0, &usage).await?)
    }
}
