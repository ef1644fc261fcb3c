//! The copy of all data that is stored about a person (GDPR, articles 15 and 20).

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

/// Everything held about one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// When it was made.
    pub exported_at: DateTime<Utc>,
    /// Whom it is about.
    pub user_id: UserId,
    /// Table by table.
    #[schema(max_items = 64)]
    pub records: Vec<Records>,
}

impl Export {
    /// Reads everything that is stored about `user`, and records in the audit log that `by` did.
    pub async fn create(tx: &mut Tx, user: &User, by: &Caller) -> Result<Self, ApiError> {
        by.audit(tx, Action::UserExported, user.id).await?;
        let records = store::personal_data::export(tx, user).await?;
        Ok(Self { exported_at: tx.now(), user_id: user.id, records })
    }
}
