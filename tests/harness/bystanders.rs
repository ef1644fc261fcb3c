//! Users and organizations that take no part in a test: what is done to others must neither change nor show them.

use std::collections::{BTreeSet, HashSet};

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use shared::domain::personal_data::TABLES;
use uuid::Uuid;

use crate::{Answer, TestApp};

/// All rows of the database at the time when it had those of the bystanders only.
pub struct Bystanders {
    rows: HashSet<String>,
    ids: BTreeSet<String>,
}

impl Bystanders {
    /// Creates users and organizations in every state, in an empty database: live, with open links, invitations and keys; deleted,
    /// suspended, on legal hold; with expired invitations and deleted organizations.
    pub async fn create(app: &TestApp) -> Self {
        create(app).await;
        let rows: HashSet<_> = rows(app).await.into_iter().collect();
        assert!(rows.len() > 50, "the bystanders have rows in every table");
        let ids = ids(&rows).collect();
        Self { rows, ids }
    }

    /// Takes the rows with the id `organization` for those of bystanders, and the ids that no other row has.
    pub async fn of_organization(app: &TestApp, organization: &str) -> Self {
        let all = rows(app).await.into_iter();
        let (rows, others): (HashSet<_>, HashSet<_>) = all.partition(|row| row.contains(organization));
        let known: HashSet<_> = ids(&others).collect();
        let ids: BTreeSet<_> = ids(&rows).filter(|id| !known.contains(id)).collect();
        assert!(ids.contains(organization), "the organization has rows");
        Self { rows, ids }
    }

    /// Locks all their rows until the returned transaction ends.
    pub async fn lock(app: &TestApp) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut tx = app.database.pool().begin().await.expect("a transaction");
        for table in tables() {
            let lock = sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table} FOR UPDATE"));
            sqlx::query(lock).execute(&mut *tx).await.expect("the locks");
        }
        tx
    }

    /// Checks that no row of theirs has changed or is gone.
    pub async fn are_unchanged(&self, app: &TestApp, after: &str) {
        let now: HashSet<_> = rows(app).await.into_iter().collect();
        let gone: Vec<_> = self.rows.difference(&now).collect();
        assert!(gone.is_empty(), "{after} changed rows of others, which were: {gone:#?}");
    }

    /// Checks that an answer has none of their ids.
    pub fn are_not_in(&self, answer: &Answer, to: &str) {
        let seen: Vec<_> = self.ids.iter().filter(|id| answer.page.contains(*id)).collect();
        assert!(seen.is_empty(), "{to} shows the ids {seen:?} of others: {}", answer.page);
    }
}

/// Returns the ids in `rows`.
fn ids(rows: &HashSet<String>) -> impl Iterator<Item = String> {
    let words = rows.iter().flat_map(|row| row.split(|c: char| !c.is_ascii_hexdigit() && c != '-'));
    words.filter(|word| word.len() == 36 && Uuid::try_parse(word).is_ok()).map(str::to_owned)
}

async fn create(app: &TestApp) {
    let root = app.administrator("Root").await;
    let [live, deleted, suspended, held, member] =
        ["Live", "Deleted", "Suspended", "Held", "Member"].map(|name| app.verified_person(name));
    let (live, deleted, suspended, held, member) =
        (live.await, deleted.await, suspended.await, held.await, member.await);
    let owners = [&live, &deleted, &suspended, &held];
    for owner in owners {
        let path = owner.create_organization("Bystanders").await;
        owner.create_everything(&path).await;
        // The last owner of an organization with other members cannot be deleted.
        if owner.id != deleted.id {
            owner.add(&path, &member, "member").await;
        }
    }
    // At once, because a request for a mail takes its time.
    let mails = owners.map(async |owner| {
        owner.sign_in_again().await;
        let change =
            json!({ "newEmail": format!("moved.{}", owner.email), "currentPassword": crate::PASSWORD });
        owner.client.post("/v1/auth/change-email", change).await.ok(202);
        for mail in ["/v1/auth/magic-links", "/v1/auth/forgot-password"] {
            app.client().post(mail, json!({ "email": owner.email })).await.ok(202);
        }
    });
    join_all(mails).await;
    let past = live.create_organization("Past").await;
    live.client.delete(&past).await.ok(200);
    // An address that was moved leaves a link back.
    let moved = app.verified_person("Moved").await;
    let address = json!({ "newEmail": format!("new.{}", moved.email), "currentPassword": crate::PASSWORD });
    moved.client.post("/v1/auth/change-email", address).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&format!("new.{}", moved.email)) });
    moved.client.post("/v1/auth/confirm-email", token).await.ok(204);
    let secured = app.verified_person("Secured").await;
    secured.add_authenticator().await;
    app.challenge(&secured.email).await;
    // Nobody has verified this address, or asked for anything.
    app.person("Unverified").await;

    let because = json!({ "reason": "the test" });
    let of = |id: &str, action: &str| format!("/v1/users/{id}/{action}");
    root.client.post(&of(&suspended.id, "suspend"), because.clone()).await.ok(200);
    root.client.post(&of(&held.id, "legal-hold"), because).await.ok(200);
    root.client.delete(&format!("/v1/users/{}", deleted.id)).await.ok(204);
    let expired = "UPDATE invitations SET expires_at = created_at WHERE id = (SELECT min(id::text)::uuid FROM invitations)";
    app.database.execute(expired).await;
    app.clock.advance(TimeDelta::seconds(1));
}

/// Returns every table, but for stored answers, which anyone's request deletes when they have expired.
fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name).filter(|name| *name != "idempotency_records")
}

/// Returns every row of every table.
async fn rows(app: &TestApp) -> Vec<String> {
    let selects: Vec<_> = tables().map(|name| format!("SELECT '{name} ' || t::text FROM {name} t")).collect();
    let statement = sqlx::AssertSqlSafe(selects.join(" UNION ALL "));
    sqlx::query_scalar(statement).fetch_all(app.database.pool()).await.expect("the rows")
}
