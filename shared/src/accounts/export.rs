//! The export of the data that is stored about a user (GDPR, articles 15 and 20): one document, of limited size.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiError,
    auth::Caller,
    db::Tx,
    domain::{audit::Action, ids::UserId, personal_data::Records},
    store::{self, users::User},
};

/// The data that is stored about a user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The time of the export.
    pub exported_at: DateTime<Utc>,
    /// The user.
    pub user_id: UserId,
    /// The data, table by table.
    #[schema(max_items = 64)]
    pub records: Vec<Records>,
}

impl Export {
    /// Reads the data that is stored about `user`, and writes an audit event for the caller `by`.
    pub async fn create(tx: &mut Tx, user: &User, by: &Caller) -> Result<Self, ApiError> {
        by.audit(tx, Action::UserExported, user.id).await?;
        let records = store::personal_data::export(tx, user).await?;
        Ok(Self { exported_at: tx.now(), user_id: user.id, records })
    }
}
