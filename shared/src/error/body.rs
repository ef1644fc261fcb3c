//! The body of every refusal and failure.

use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type},
};
use uuid::Uuid;

/// An error in one member of the body or in one parameter of the query. It has either `pointer` or `parameter`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// The member of the body, as a JSON Pointer (RFC 6901); empty for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    // A body of 64 KiB, with each character escaped.
    #[schema(value_type = String, required = false, example = "/email", max_length = 131_072)]
    pub pointer: Option<String>,
    /// The parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    // The longest URI that the `http` crate reads.
    #[schema(value_type = String, required = false, example = "since", max_length = 65_534)]
    pub parameter: Option<String>,
    /// What is wanted. It does not repeat the value.
    #[schema(example = "this must be an e-mail address such as ada@example.com", max_length = 1000)]
    pub detail: String,
}

impl FieldError {
    /// Makes an error in the member of the body at `pointer` (RFC 6901).
    #[must_use]
    pub fn new(pointer: String, detail: String) -> Self {
        Self { pointer: Some(pointer), parameter: None, detail }
    }

    /// Makes an error in a parameter of the query.
    #[must_use]
    pub fn of_parameter(parameter: String, detail: String) -> Self {
        Self { pointer: None, parameter: Some(parameter), detail }
    }
}

/// The body of every refusal and failure (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A URI that identifies the kind of problem. It never changes.
    #[schema(example = "https://archesai.com/problems/email-taken", max_length = 128)]
    pub r#type: String,
    /// The status in words.
    #[schema(example = "Conflict", max_length = 64)]
    pub title: &'static str,
    /// The status of this response.
    #[schema(example = 409, minimum = 400, maximum = 599)]
    pub status: u16,
    /// An explanation for humans. The text may change.
    #[schema(max_length = 500)]
    pub detail: &'static str,
    /// The path of the request.
    // The longest URI that the `http` crate reads.
    #[schema(example = "/v1/auth/register", max_length = 65_534)]
    pub instance: String,
    /// The same id as in `X-Request-Id`. Include it when you ask for help.
    #[schema(min_length = 1, max_length = 128)]
    pub request_id: String,
    /// For 422: the errors, one for each member or parameter that is invalid, unknown or missing. There may be more than are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 64)]
    pub errors: Vec<FieldError>,
    /// For `fresh-sign-in-needed`: the longest time since the sign-in, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 600, minimum = 1, maximum = 86_400)]
    pub max_age: Option<i64>,
    /// For `plan-limit-reached`: what the plan allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, schema_with = amount)]
    pub limit: Option<i64>,
    /// For `plan-limit-reached`: what is used already, in the unit of `limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, schema_with = amount)]
    pub used: Option<i64>,
    /// For `same-content-exists`: the id of the artifact with this content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_id: Option<Uuid>,
}

/// Describes a number of bytes or rows.
fn amount() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some("In the unit of the limit, such as bytes."))
        .examples([1_073_741_824_i64])
        .minimum(Some(0))
        // The largest integer that every JSON parser reads exactly.
        .maximum(Some(9_007_199_254_740_991_i64))
        .build()
}
