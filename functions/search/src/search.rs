//! `POST /v1/organizations/{organizationId}/search`

use std::time::Duration;

use axum::{Json, extract::State};
use serde::Serialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    cache::rate_limit::Limit,
    domain::{
        artifact_chunk::ArtifactChunk,
        ids::{ArtifactId, OrganizationId},
        input::Ids,
        permission::ReadArtifacts,
    },
    error::Unavailable,
    http::extract::Body,
    retrieval::{self, Bill, Missing, QueryVector, VectorKey},
    store::search::{EXACT_UP_TO, Found, Search},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    SearchState, refusals,
    request::{Mode, SearchRequest},
};

/// Searches of one user, or with one API key. Each may cost tokens and time of the database.
const PER_CALLER: Limit = Limit { name: "searches", max: 60, window: Duration::from_mins(1) };
/// Of all members and API keys together.
const PER_ORGANIZATION: Limit =
    Limit { name: "searches-of-organization", max: 600, window: Duration::from_mins(1) };

/// The path of an organization, for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a parameter that `Member` reads")]
pub struct OrganizationPath {
    /// The organization's id.
    organization_id: OrganizationId,
}

/// The chunks that were found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResponse {
    /// The best one first.
    #[schema(max_items = 50)]
    data: Vec<SearchMatch>,
    meta: SearchMeta,
}

/// How the chunks were found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchMeta {
    /// The mode of the request.
    mode: Mode,
    /// Null if the search was done as requested.
    degraded: Option<Degraded>,
}

/// What a search did in place of what was requested.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SearchDegradation)]
pub enum Degraded {
    /// It searched by words only: the model was unavailable, or the organization has used its tokens of this month.
    KeywordOnly,
}

/// A chunk that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchMatch {
    artifact: MatchedArtifact,
    chunk: ArtifactChunk,
    /// The higher, the better. It can be compared within one answer only. In the mode `semantic`, the cosine of the two meanings.
    score: f64,
    ranks: Ranks,
}

/// The artifact of a chunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatchedArtifact {
    id: ArtifactId,
    #[schema(example = "Handbook.pdf", min_length = 1, max_length = 255)]
    name: String,
}

/// The places of a chunk in the two lists from which the answer is made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranks {
    /// Its place by meaning, from 1; null if it is not among the nearest 50.
    #[schema(minimum = 1, maximum = 50)]
    semantic: Option<i64>,
    /// Its place by words, from 1; null if it is not among the best 50.
    #[schema(minimum = 1, maximum = 50)]
    keyword: Option<i64>,
}

impl SearchMatch {
    fn new(found: Found, mode: Mode) -> Self {
        let score = match mode {
            Mode::Hybrid => found.score,
            Mode::Semantic => found.distance.map_or(0.0, |distance| -distance),
            Mode::Keyword => found.frequency.map_or(0.0, f64::from),
        };
        Self {
            artifact: MatchedArtifact { id: found.artifact_id, name: found.artifact_name },
            chunk: found.chunk,
            score,
            ranks: Ranks { semantic: found.semantic, keyword: found.keyword },
        }
    }
}

/// Search in the artifacts of an organization.
///
/// Only artifacts with the status `ready` are searched. Labels and artifacts that do not exist are not an error: nothing is found in them.
/// If the model of meanings is unavailable, or the organization has used its tokens of this month, `hybrid` searches by words only, and
/// says so in `degraded`; `semantic` fails.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/search", tag = "search", operation_id = "search",
    request_body = SearchRequest, params(OrganizationPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The chunks that fit best.", body = SearchResponse),
        (status = 429, description = "`too-many-attempts` or `budget-used-up`"),
    ),
)]
pub async fn search(
    State(state): State<SearchState>,
    member: Member<ReadArtifacts>,
    Body(request): Body<SearchRequest>,
) -> Result<Json<SearchResponse>, ApiError> {
    let (app, query, mode) = (&state.app, request.query.as_ref(), request.mode);
    let QueryVector { vector, bill, key } = match mode {
        Mode::Hybrid | Mode::Semantic => find_vector(&state, &member, query).await?,
        Mode::Keyword => {
            take(&state, &member, None).await?;
            let found = find(&state, &member, None, &request, None).await?;
            return Ok(respond(found, mode, None));
        }
    };
    let vector = match vector {
        Ok(vector) => Some(vector),
        Err(_) if mode == Mode::Hybrid => None,
        Err(missing) => {
            if let Some(bill) = bill {
                app.db.transaction(async |tx| bill.settle(tx, &app.config.models).await).await?;
            }
            return Err(cannot_search(missing));
        }
    };
    let cache_vector = async {
        if let (Some(key), Some(vector)) = (&key, &vector) {
            retrieval::put(app, key, vector).await;
        }
    };
    let found = find(&state, &member, vector.as_deref(), &request, bill.as_ref());
    let (found, ()) = tokio::join!(found, cache_vector);
    Ok(respond(found?, mode, vector.is_none().then_some(Degraded::KeywordOnly)))
}

/// Counts the search, and returns the vector at `key`.
async fn take(
    state: &SearchState,
    member: &Member<ReadArtifacts>,
    key: Option<&VectorKey>,
) -> Result<Option<Vec<f32>>, ApiError> {
    let limits = [(PER_CALLER, member.name()), (PER_ORGANIZATION, member.organization.id.to_string())];
    let taken = retrieval::take(&state.app, limits, key).await;
    taken.map_err(|reached| refusals::TOO_MANY_SEARCHES.reached(reached))
}

/// Counts the search, and finds the vector of `query`.
async fn find_vector(
    state: &SearchState,
    member: &Member<ReadArtifacts>,
    query: &str,
) -> Result<QueryVector, ApiError> {
    let organization = member.organization.id;
    let key = VectorKey::of(&state.app, organization, query).await;
    match take(state, member, key.as_ref()).await? {
        Some(vector) => Ok(QueryVector::cached(vector)),
        None => QueryVector::make(&state.app, &state.embeddings, member, organization, query, key).await,
    }
}

/// Returns the error of a search that cannot do without the vector.
fn cannot_search(missing: Missing) -> ApiError {
    match missing {
        Missing::BudgetUsedUp(reached) => refusals::BUDGET_USED_UP.reached(reached),
        Missing::ModelUnavailable(error) => ApiError::Failed(Unavailable::new("model", error).into()),
    }
}

/// Finds the chunks, and settles the bill.
async fn find(
    state: &SearchState,
    member: &Member<ReadArtifacts>,
    vector: Option<&[f32]>,
    request: &SearchRequest,
    bill: Option<&Bill>,
) -> Result<Vec<Found>, ApiError> {
    let models = &state.app.config.models;
    let wanted = Search {
        vector,
        model: &models.embedding_model,
        dimensions: models.embedding_dimensions.cast_signed(),
        words: (request.mode != Mode::Semantic).then_some(request.query.as_ref()),
        labels: request.labels.as_ref().map(Ids::as_ref),
        artifacts: request.artifact_ids.as_ref().map(Ids::as_ref),
        limit: request.limit.0.into(),
        exact_up_to: EXACT_UP_TO,
    };
    retrieval::find(&state.app, member, member.organization.id, &wanted, bill).await
}

fn respond(found: Vec<Found>, mode: Mode, degraded: Option<Degraded>) -> Json<SearchResponse> {
    let data = found.into_iter().map(|found| SearchMatch::new(found, mode)).collect();
    Json(SearchResponse { data, meta: SearchMeta { mode, degraded } })
}
