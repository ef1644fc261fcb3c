//! Appoints an administrator of the system: the first one, whom no other can appoint.

use serde::Serialize;
use shared::{domain::ids::UserId, store};
use sqlx::PgConnection;

/// Who was appointed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointed {
    /// The user's id.
    pub user_id: UserId,
}

/// Makes the living user with the proved address `email` an administrator, and notes it in the audit log.
pub async fn appoint(connection: &mut PgConnection, email: &str) -> anyhow::Result<Appointed> {
    let Some(user_id) = store::users::appoint(connection, email).await? else {
        anyhow::bail!("no account with this address, or the address is not proved");
    };
    tracing::info!(user.id = %user_id, "administrator appointed");
    Ok(Appointed { user_id })
}
