//! The vector of a query: from the cache, or from the model for tokens of the organization.

use std::time::Duration;

use chrono::{DateTime, Months, NaiveTime, TimeDelta, Utc};
use shared::{
    ApiError, ReachedLimit,
    auth::{Actor, Member},
    config::Models,
    db::Tx,
    domain::{
        deadline::Deadline,
        ids::{OrganizationId, ReservationId},
        permission::ReadArtifacts,
        plan::Plan,
        usage::{Usage, UsageKind, month},
    },
    error::Unavailable,
    http_client::embeddings::{EmbeddingError, estimate},
    store::token_budgets::{self, Reserved},
};

use crate::{
    SearchState,
    cache::{self, VectorKey},
    refusals,
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
    /// Counts the search, and finds the vector of `query`. No transaction is open while the model is asked.
    pub async fn find(
        state: &SearchState,
        member: &Member<ReadArtifacts>,
        query: &str,
    ) -> Result<Self, ApiError> {
        let key = VectorKey::of(&state.app, member.organization.id, query).await;
        if let Some(vector) = cache::take(&state.app, member, key.as_ref()).await? {
            return Ok(Self { vector: Ok(vector), bill: None, key: None });
        }
        let reservation = match reserve(state, member, query).await? {
            Ok(reservation) => reservation,
            Err(reached) => {
                return Ok(Self { vector: Err(Missing::BudgetUsedUp(reached)), bill: None, key: None });
            }
        };
        let (vector, tokens) = match state.embeddings.embed(&[query], Deadline::after(MODEL_TIMEOUT)).await {
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
        let bill = Bill { organization: member.organization.id, reservation, tokens };
        Ok(Self { vector, bill: Some(bill), key })
    }
}

/// Reserves tokens for `query`, in a transaction of its own.
async fn reserve(
    state: &SearchState,
    member: &Member<ReadArtifacts>,
    query: &str,
) -> Result<Result<ReservationId, ReachedLimit>, ApiError> {
    let (organization, reservation) = (member.organization.id, ReservationId::new());
    let plan = Plan::named(state.app.config.application.default_plan).unwrap_or(Plan::Free);
    let limit = plan.limits().tokens_per_month;
    let reserve = async |tx: &mut Tx| {
        let (tokens, expires_at) = (estimate(&[query]), tx.now() + RESERVATION_TTL);
        Ok(token_budgets::reserve(tx, organization, reservation.0, tokens, limit, expires_at).await?)
    };
    let wait = match member.transaction(reserve).await? {
        Reserved::Yes => return Ok(Ok(reservation)),
        Reserved::Busy => BUSY_WAIT,
        Reserved::UsedUp => until_next_month(state.app.clock.now()),
    };
    Ok(Err(ReachedLimit::new(u32::try_from(limit).unwrap_or(u32::MAX), wait)))
}

/// Returns the time until the budget begins again.
fn until_next_month(now: DateTime<Utc>) -> Duration {
    let next = (month(now) + Months::new(1)).and_time(NaiveTime::MIN).and_utc();
    (next - now).to_std().unwrap_or_default()
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

impl Missing {
    /// Returns the error of a search that cannot do without the vector.
    pub fn into_error(self) -> ApiError {
        match self {
            Self::BudgetUsedUp(reached) => refusals::BUDGET_USED_UP.reached(reached),
            Self::ModelUnavailable(error) => ApiError::Failed(Unavailable::new("model", error).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_begins_again_with_the_month() {
        for (now, hours) in [
            ("2026-01-31T23:00:00Z", 1),
            ("2026-02-01T00:00:00Z", 28 * 24),
            ("2028-02-28T00:00:00Z", 48),
            ("2026-12-31T12:00:00Z", 12),
        ] {
            let now: DateTime<Utc> = now.parse().expect("a time");
            assert_eq!(until_next_month(now), Duration::from_hours(hours), "{now}");
        }
    }
}
