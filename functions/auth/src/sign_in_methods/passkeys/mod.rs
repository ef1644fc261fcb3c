//! `/v1/auth/passkeys/{id}`: the passkeys of a user. `oauth` adds them.

pub mod remove;
pub mod update;

use serde::Deserialize;
use shared::domain::ids::PasskeyId;
use utoipa::IntoParams;

/// The path of a passkey.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PasskeyPath {
    /// The passkey.
    #[param(inline)]
    id: PasskeyId,
}
