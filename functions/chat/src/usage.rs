//! `GET /v1/organizations/{organizationId}/usage`

use axum::{Json, extract::State};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::Data,
        permission::ReadUsage,
        timestamp::Day,
        usage::{UsageKind, next_month},
    },
    error::FieldError,
    http::extract::{INVALID_QUERY, Query},
    store::{
        token_budgets,
        usage_days::{self, UsageDay},
    },
};
use utoipa::{IntoParams, ToSchema};

use crate::{ChatState, organization::OrganizationPath};

/// The most days of a report: a quarter of a year.
const MAX_DAYS: u64 = 92;

/// The days of a report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// The first day, in UTC. Without it, the first day of the month of `to`.
    #[param(inline)]
    from: Option<Day>,
    /// The last day, in UTC. Without it, today. A report has at most 92 days.
    #[param(inline)]
    to: Option<Day>,
}

/// What an organization has used of language models.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageReport {
    from: NaiveDate,
    to: NaiveDate,
    /// By day, kind and model, the oldest day first. Days without use are left out.
    #[schema(max_items = 100_000)]
    days: Vec<UsageOfDay>,
    budget: TokenBudget,
}

/// What an organization has used of a model on one day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageOfDay {
    /// In UTC.
    day: NaiveDate,
    kind: UsageKind,
    #[schema(example = "gpt-4.1-mini", max_length = 200)]
    model: String,
    /// Tokens that were sent.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    prompt_tokens: i64,
    /// Tokens that were received.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    completion_tokens: i64,
    /// Those of answers that are estimated, because the model did not report them.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    estimated_tokens: i64,
    /// Millionths of the currency in which the operator has set the prices; 0 for a model without a price.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    cost_micros: i64,
}

/// The tokens that an organization may use in a calendar month, for all models together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenBudget {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    limit: i64,
    /// What was used this month.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    used: i64,
    /// What calls in progress may still use. `used` and `reserved` together do not pass the limit when a call begins.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    reserved: i64,
    /// The beginning of the next month, in UTC, when `used` is 0 again.
    resets_at: DateTime<Utc>,
}

impl From<UsageDay> for UsageOfDay {
    fn from(row: UsageDay) -> Self {
        Self {
            day: row.day,
            kind: row.kind,
            model: row.model,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            estimated_tokens: row.estimated_tokens,
            cost_micros: row.cost_micros,
        }
    }
}

/// Show what the organization has used of language models, and what it may still use this month.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/usage", tag = "chat", operation_id = "show_usage",
    params(OrganizationPath, UsageQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The use.", body = Data<UsageReport>),
        (status = 422, description = "`invalid-query`"),
    ),
)]
pub async fn show(
    State(state): State<ChatState>,
    member: Member<ReadUsage>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<Data<UsageReport>>, ApiError> {
    let now = state.app.clock.now();
    let (from, to) = days(&query, now)?;
    let organization = member.organization.id;
    let found = member.transaction(async |tx| {
        let days = usage_days::list(tx, organization, from, to).await?;
        Ok((days, token_budgets::find(tx, organization).await?))
    });
    let (days, budget) = found.await?;
    let budget = TokenBudget {
        limit: state.limits().tokens_per_month,
        used: budget.used,
        reserved: budget.reserved,
        resets_at: next_month(now),
    };
    let days = days.into_iter().map(UsageOfDay::from).collect();
    Ok(Json(Data { data: UsageReport { from, to, days, budget } }))
}

/// Returns the first and the last day of the report. Refuses more than [`MAX_DAYS`], and a first day after the last one.
fn days(query: &UsageQuery, now: DateTime<Utc>) -> Result<(NaiveDate, NaiveDate), ApiError> {
    let to = query.to.map_or(now.date_naive(), |Day(day)| day);
    let from = query.from.map_or(to.with_day(1).unwrap_or(to), |Day(day)| day);
    let last = from.checked_add_days(Days::new(MAX_DAYS - 1));
    if from <= to && last.is_none_or(|last| to <= last) {
        return Ok((from, to));
    }
    let detail = "this must be the day of `to`, or one of the 91 days before it".to_owned();
    Err(ApiError::fields(INVALID_QUERY, vec![FieldError::of_parameter("from".to_owned(), detail)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: Option<&str>, to: Option<&str>) -> Option<(String, String)> {
        let day = |text: Option<&str>| text.map(|text| Day(text.parse().expect("a day")));
        let now = "2026-11-27T23:59:59Z".parse().expect("a time");
        let days = days(&UsageQuery { from: day(from), to: day(to) }, now).ok()?;
        Some((days.0.to_string(), days.1.to_string()))
    }

    #[test]
    fn report_has_this_month_or_up_to_92_days() {
        for (from, to, expected) in [
            (None, None, Some(("2026-11-01", "2026-11-27"))),
            (Some("2026-10-31"), None, Some(("2026-10-31", "2026-11-27"))),
            (None, Some("2026-02-03"), Some(("2026-02-01", "2026-02-03"))),
            (Some("2026-07-01"), Some("2026-09-30"), Some(("2026-07-01", "2026-09-30"))),
            (Some("2026-07-01"), Some("2026-10-01"), None),
            (Some("2026-11-28"), None, None),
            (Some("9999-12-31"), Some("9999-12-31"), Some(("9999-12-31", "9999-12-31"))),
        ] {
            let expected = expected.map(|(from, to)| (from.to_owned(), to.to_owned()));
            assert_eq!(read(from, to), expected, "{from:?} {to:?}");
        }
    }
}
