//! `GET /.well-known/jwks.json`

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde::Serialize;
use shared::{ApiError, crypto::key_set::Key};
use utoipa::ToSchema;

use crate::SystemState;

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwks {
    /// Ed25519 keys (RFC 8037): the current one, previous ones whose tokens may still be valid, and the next one.
    // A secret has at most 64 KB.
    #[schema(value_type = Vec<Object>, max_items = 1000, example = json!([{
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "2026-11",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    }]))]
    keys: Vec<Key>,
}

/// List the public keys that verify access tokens.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "system", operation_id = "jwks",
    responses((status = 200, description = "The public keys.", body = Jwks)),
)]
pub async fn jwks(State(state): State<SystemState>) -> Result<impl IntoResponse, ApiError> {
    let set = state.app.verifier.key_set().await?;
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(Jwks { keys: set.keys })))
}
