//! Appoints the first administrator of the system. Later ones are appointed through the API.

use serde::Serialize;
use shared::{domain::ids::UserId, store};
use sqlx::PgConnection;

/// The appointed administrator.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointed {
    pub user_id: UserId,
}

/// Makes the user with the verified address `email` an administrator, and records it in the audit log.
pub async fn appoint(connection: &mut PgConnection, email: &str) -> anyhow::Result<Appointed> {
    let Some(user_id) = store::users::appoint(connection, email).await? else {
        anyhow::bail!("no account with this address, or the address is not verified");
    };
    tracing::info!(user.id = %user_id, "administrator appointed");
    Ok(Appointed { user_id })
}
