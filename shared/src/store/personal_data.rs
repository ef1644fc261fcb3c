//! Exports and erases the rows of a user, with statements generated from [`crate::domain::personal_data`].

use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::users::User;
use crate::{
    db::Tx,
    domain::personal_data::{Class, Erasure, Records, TABLES},
};

/// Returns the personal columns and ids of all rows of `user`, table by table.
pub async fn export(tx: &mut Tx, user: &User) -> sqlx::Result<Vec<Records>> {
    let email = address(tx, user).await?;
    let mut found = Vec::new();
    for table in TABLES {
        let Some(whose) = table.whose else { continue };
        let shown =
            table.columns.iter().filter(|column| matches!(column.class, Class::Personal | Class::Identifier));
        let (pairs, purposes): (Vec<_>, _) = shown
            .map(|column| {
                let name = camel_case(column.name);
                let value = column.exported.unwrap_or(column.name);
                (format!("'{name}', {value}"), (name, column.purpose))
            })
            .unzip();
        let statement = format!(
            "SELECT coalesce(jsonb_agg(jsonb_build_object({})), '[]') FROM {} WHERE {whose}",
            pairs.join(", "),
            table.name,
        );
        // Built from constants only.
        let rows: Value = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(user.id.0)
            .bind(&email)
            .fetch_one(&mut *tx)
            .await?;
        found.push(Records { table: table.name, purposes, retention: table.retention, rows });
    }
    Ok(found)
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

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(1);
        name + &head.to_uppercase() + tail
    })
}
