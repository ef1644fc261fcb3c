//! Converts stored mail addresses to the form that [`Email`] has today: the domain in ASCII (RFC 5891).
//!
//! Not in SQL, because PostgreSQL has no function for it. Safe to run again.

use serde::Serialize;
use shared::{domain::input::Email, store::addresses};
use sqlx::PgConnection;
use uuid::Uuid;

/// An address that was not changed: another row has the ASCII form, or it has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unconverted {
    pub table: &'static str,
    pub id: Uuid,
}

/// Converts all addresses, and returns those that must stay as they are.
pub async fn convert(connection: &mut PgConnection) -> anyhow::Result<Vec<Unconverted>> {
    let mut unconverted = Vec::new();
    for column in addresses::COLUMNS {
        for (id, old) in addresses::not_ascii(connection, column).await? {
            let converted = match Email::try_from(old.clone()) {
                Ok(new) => addresses::replace(connection, column, id, (&old, new.as_ref())).await?,
                Err(_) => false,
            };
            if !converted {
                tracing::warn!(table = column.0, row.id = %id, "address not converted");
                unconverted.push(Unconverted { table: column.0, id });
            }
        }
    }
    Ok(unconverted)
}
