//! Exports and erases the rows of a user, with statements generated from [`crate::domain::personal_data`].

use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::users::User;
use crate::{
    db::Tx,
    domain::{
        ids::{OrganizationId, UserId},
        personal_data::{Class, EXPORT_ROWS, EXPORT_TABLE_BYTES, Erasure, Records, TABLES, Table},
    },
};

/// Returns the personal columns and ids of the rows of `user`, table by table, without secrets.
///
/// Every table gets the same share of [`EXPORT_BYTES`]; the newest rows that fit are returned.
pub async fn export(tx: &mut Tx, user: &User) -> sqlx::Result<Vec<Records>> {
    let email = address(tx, user).await?;
    let mut found = Vec::new();
    for table in TABLES {
        let Some(whose) = table.whose else { continue };
        let mut records = Records {
            table: table.name,
            purposes: table.purposes(),
            retention: table.retention,
            rows: Value::Array(Vec::new()),
            complete: false,
            paged_at: table.paged_at(),
        };
        if records.paged_at.is_none() {
            let statement = newest_rows(table, whose, &members(table));
            // Built from constants only.
            let newest = sqlx::query_as(AssertSqlSafe(statement)).bind(user.id.0).bind(&email);
            (records.rows, records.complete) = newest.fetch_one(&mut *tx).await?;
        }
        found.push(records);
    }
    Ok(found)
}

/// Returns the members of an exported row, as arguments of `jsonb_build_object`.
fn members(table: &Table) -> String {
    let pairs = table
        .exported()
        .map(|column| format!("'{}', {}", column.member(), column.exported.unwrap_or(column.name)));
    pairs.collect::<Vec<_>>().join(", ")
}

/// The arguments of the conditions for a user's rows.
#[derive(Debug)]
pub struct Whose {
    user: UserId,
    email: Option<String>,
}

impl Whose {
    /// Returns the arguments for `user`.
    pub async fn of(tx: &mut Tx, user: &User) -> sqlx::Result<Self> {
        Ok(Self { user: user.id, email: address(tx, user).await? })
    }
}

/// The most rows that [`rows`] returns.
pub const PAGE_ROWS: usize = 1_000;

/// Returns the first [`PAGE_ROWS`] rows of the user in `table` after the one with the key `after`, as an export shows them, with their keys.
pub async fn rows(
    tx: &mut Tx,
    table: &Table,
    whose: &Whose,
    after: Option<&str>,
) -> sqlx::Result<Vec<(String, Value)>> {
    let (name, key, condition) = (table.name, table.columns[0].name, table.whose.unwrap_or("false"));
    // Ids are UUIDs; the other key is an address.
    let kind = if table.columns[0].class == Class::Identifier { "uuid" } else { "text" };
    let statement = format!(
        "SELECT {key}::text, jsonb_build_object({}) FROM {name}
         WHERE ({condition}) AND ($3::text IS NULL OR {key} > $3::{kind})
         ORDER BY {key} LIMIT {PAGE_ROWS}",
        members(table)
    );
    // Built from constants only.
    let rows = sqlx::query_as(AssertSqlSafe(statement)).bind(whose.user.0).bind(&whose.email).bind(after);
    rows.fetch_all(tx).await
}

/// Builds the statement that returns the newest rows that fit into a table's share of an export, and whether these are all rows.
///
/// The first column of a table orders its rows by time: it is a `UUIDv7`. The text of a row is longer than its JSON in the response.
fn newest_rows(table: &Table, whose: &str, members: &str) -> String {
    let (name, key) = (table.name, table.columns[0].name);
    let (bytes, rows, more) = (EXPORT_TABLE_BYTES, EXPORT_ROWS, EXPORT_ROWS + 1);
    format!(
        "SELECT coalesce(jsonb_agg(content ORDER BY place) FILTER (WHERE fits), '[]'), coalesce(bool_and(fits), true)
         FROM (SELECT content, place, place <= {rows}
                      AND sum(octet_length(content::text) + 2) OVER (ORDER BY place) <= {bytes} AS fits
               FROM (SELECT jsonb_build_object({members}) AS content, row_number() OVER (ORDER BY {key} DESC) AS place
                     FROM {name} WHERE {whose} ORDER BY {key} DESC LIMIT {more}) AS newest) AS measured"
    )
}

/// Overwrites or deletes all personal data of `user`; `email` is the user's [`address`].
pub async fn erase(tx: &mut Tx, user: &User, email: Option<&str>) -> sqlx::Result<()> {
    let now = tx.now();
    for table in TABLES {
        let Some(whose) = table.whose else { continue };
        let statement = match table.erasure {
            Erasure::Keep => continue,
            Erasure::Delete => format!("DELETE FROM {} WHERE {whose}", table.name),
            Erasure::Overwrite => {
                let columns = table.columns.iter();
                let set: Vec<_> = columns
                    .filter_map(|column| Some(format!("{} = {}", column.name, column.erased?)))
                    .collect();
                let names = table.names.unwrap_or("false");
                format!("UPDATE {} SET {} WHERE {whose} OR {names}", table.name, set.join(", "))
            }
        };
        // Built from constants only.
        sqlx::query(AssertSqlSafe(statement)).bind(user.id.0).bind(email).bind(now).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Checks whether the organization has a row of a user under a legal hold: its members, and the users behind its other rows.
/// Ignores the user `except`.
pub async fn is_held(tx: &mut Tx, id: OrganizationId, except: Option<UserId>) -> sqlx::Result<bool> {
    let of_organizations = TABLES.iter().filter(|table| {
        table.erasure != Erasure::Keep && table.columns.iter().any(|column| column.name == "organization_id")
    });
    let rows = of_organizations.filter_map(|table| {
        let whose = table.whose?.replace("$1", "held.id").replace("$2", "held.email");
        Some(format!("EXISTS (SELECT 1 FROM {} WHERE organization_id = $1 AND ({whose}))", table.name))
    });
    let statement = format!(
        "SELECT EXISTS (SELECT 1 FROM users held
                        WHERE held.legal_hold_at IS NOT NULL AND held.id IS DISTINCT FROM $2 AND ({}))",
        rows.collect::<Vec<_>>().join(" OR "),
    );
    // Built from constants only.
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(id.0)
        .bind(except.map(|user| user.0))
        .fetch_one(tx)
        .await
}

/// Returns the address that finds rows of `user`: only if it is verified and no other account that is not deleted has it.
pub async fn address(tx: &mut Tx, user: &User) -> sqlx::Result<Option<String>> {
    if user.email_verified_at.is_none() {
        return Ok(None);
    }
    let taken = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT 1 FROM users WHERE lower(email) = lower($1) AND id <> $2 AND deleted_at IS NULL
        ) AS "exists!"
        "#,
        user.email,
        user.id.0,
    )
    .fetch_one(tx)
    .await?;
    Ok((!taken).then(|| user.email.clone()))
}
