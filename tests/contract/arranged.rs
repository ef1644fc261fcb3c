//! What there is before anyone asks.

use futures_util::future::join_all;
use harness::{Client, Person, Server, TestApp};
use serde_json::{Value, json};

use crate::schemathesis::document;

/// How many of each thing there are that one operation uses up.
pub const SOME: usize = 3;

/// Every scope there is.
pub fn scopes() -> Value {
    document()["components"]["schemas"]["Scope"]["enum"].clone()
}

pub fn bearer(person: &Person<'_>) -> String {
    format!("Bearer {}", person.access_token)
}

/// Someone whose address is proved.
pub async fn owner(app: &TestApp) -> Person<'_> {
    let ada = app.person("Ada").await;
    app.database.execute("UPDATE users SET email_verified_at = created_at").await;
    ada
}

pub async fn people(app: &TestApp) -> Vec<Person<'_>> {
    join_all((0..=SOME).map(|_| app.person("Bob"))).await
}

pub async fn organization(client: &Client<'_>) -> String {
    let made = client.post("/v1/organizations", json!({ "name": "Analytical Engines" })).await.ok(201);
    made.text("/data/id").to_owned()
}

pub async fn join(app: &TestApp, organization: &str, person: &Person<'_>) {
    sqlx::query("INSERT INTO members (organization_id, user_id, role, created_at, updated_at) VALUES ($1::uuid, $2::uuid, 'member', now(), now())")
        .bind(organization)
        .bind(&person.id)
        .execute(app.database.pool())
        .await
        .expect("a member");
}

pub async fn api_key(client: &Client<'_>, path: &str) -> String {
    let body = json!({ "name": "Some", "scopes": ["organization:read"] });
    client.post(&format!("{path}/api-keys"), body).await.ok(201).text("/data/id").to_owned()
}

pub async fn invitation(client: &Client<'_>, path: &str, n: usize) -> String {
    let body = json!({ "email": format!("invited.{n}@example.com"), "role": "member" });
    client.post(&format!("{path}/invitations"), body).await.ok(201).text("/data/id").to_owned()
}

/// The token of the last link that was mailed to `email`.
pub fn token_mailed_to(app: &TestApp, email: &str) -> String {
    let mails = app.mails();
    let mail = mails.iter().rev().find(|mail| mail.to.as_ref() == email).expect("a mail");
    let (_, rest) = mail.text.split_once("token=").expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

/// Prints how often each operation was answered with which status.
pub fn report(server: &Server) {
    let mut counts = std::collections::BTreeMap::new();
    for (method, path, status) in server.served() {
        *counts.entry(format!("{method} {path} {status}")).or_insert(0) += 1;
    }
    for (what, count) in counts {
        if count > 0 {
            println!("SERVED {count} {what}");
        }
    }
}
