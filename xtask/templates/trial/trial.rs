//! Which check of which operation this process lacks. `cargo xtask trial isolation` adds this file to its copy of the sources.

use std::{
    collections::HashSet,
    env,
    fs::OpenOptions,
    io::Write,
    sync::{LazyLock, Mutex},
    thread,
};

use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};
use sqlx::Row;

use crate::{db::Tx, domain::ids::OrganizationId, store::organizations::Organization};

/// `<check> <METHOD> <path>`
static TAKEN: LazyLock<Option<String>> = LazyLock::new(|| env::var("TRIAL_TAKEN").ok());
/// The file of what was reached.
static RECORD: LazyLock<Option<String>> = LazyLock::new(|| env::var("TRIAL_RECORD").ok());
static REACHED: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Returns any organization.
pub async fn organization(tx: &mut Tx, id: OrganizationId) -> sqlx::Result<Option<Organization>> {
    let row = sqlx::query("SELECT * FROM organizations WHERE id = $1 AND deleted_at IS NULL").bind(id.0);
    let Some(row) = row.fetch_optional(tx).await? else { return Ok(None) };
    Ok(Some(Organization {
        id,
        name: row.try_get("name")?,
        slug: row.try_get("slug")?,
        logo: row.try_get("logo")?,
        billing_email: row.try_get("billing_email")?,
        plan: row.try_get("plan")?,
        personal_to: row.try_get("personal_to")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        deleted_at: row.try_get("deleted_at")?,
        version: row.try_get("version")?,
        second_factor_from: row.try_get("second_factor_from")?,
    }))
}

/// The method and the path of an operation.
#[derive(Debug, Clone, Default)]
pub struct Operation(String);

impl Operation {
    pub fn of(parts: &Parts) -> Self {
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        Self(format!("{} {path}", parts.method))
    }

    /// Records that the operation has an extractor of this kind, and which test calls it.
    pub fn reached(&self, kind: &str) {
        let Some(path) = &*RECORD else { return };
        let line = format!("{kind}\t{}\t{}\n", self.0, thread::current().name().unwrap_or_default());
        let mut reached = REACHED.lock().unwrap();
        if reached.get_or_insert_default().insert(line.clone()) {
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
    }

    /// Checks whether `check` is taken away from the operation.
    pub fn lacks(&self, check: &str) -> bool {
        TAKEN.as_deref().is_some_and(|taken| {
            taken.strip_prefix(check).and_then(|rest| rest.strip_prefix(' ')) == Some(&*self.0)
        })
    }
}

/// Checks whether a test of all operations calls this one: all, or the one that lacks a check.
pub fn is_called(method: &Method, path: &str) -> bool {
    TAKEN.as_deref().is_none_or(|taken| taken.ends_with(&format!(" {method} {path}")))
}
