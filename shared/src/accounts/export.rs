//! The copy of all data that is stored about a person (GDPR, articles 15 and 20).

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        personal_data::Records,
    },
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
    pub records: Vec<Records>,
}

impl Export {
    /// Reads everything held about `user`, and notes in the audit log that `by` did.
    pub async fn of(
        tx: &mut Tx,
        user: &User,
        by: &Caller,
        request: &RequestInfo,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Self> {
        let event = Event::new(Action::UserExported, by.user, request).through(by.session).to(user.id.0);
        store::audit_events::insert(tx, &event, now).await?;
        let records = store::personal_data::export(tx, user).await?;
        Ok(Self { exported_at: now, user_id: user.id, records })
    }
}
