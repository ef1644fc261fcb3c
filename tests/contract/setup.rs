//! The data that exists before the requests.

use std::collections::BTreeMap;

use axum::http::Method;
use futures_util::future::join_all;
use harness::{Person, TestApp, document};
use serde_json::json;
use shared::domain::permission::Scope;

use crate::schemathesis::Run;

/// The number of resources of a kind that an operation may delete. One more stays.
pub const SOME: usize = 3;

pub fn bearer(person: &Person<'_>) -> String {
    format!("Bearer {}", person.access_token)
}

pub fn ids(people: &[Person<'_>]) -> Vec<String> {
    people.iter().map(|person| person.id.clone()).collect()
}

/// Registers a person with a verified address.
pub async fn owner<'a>(app: &'a TestApp, name: &str) -> Person<'a> {
    let person = app.person(name).await;
    app.database
        .execute("UPDATE users SET email_verified_at = created_at WHERE email_verified_at IS NULL")
        .await;
    person
}

pub async fn people(app: &TestApp) -> Vec<Person<'_>> {
    join_all((0..=SOME).map(|_| app.person("Bob"))).await
}

/// Returns the token in the last mail to each of `people`.
pub fn mailed_tokens<'a>(app: &TestApp, people: impl IntoIterator<Item = &'a Person<'a>>) -> Vec<String> {
    people.into_iter().map(|person| app.token_mailed_to(&person.email)).collect()
}

/// An organization, and the ids of its resources.
pub struct Tenant {
    pub id: String,
    path: String,
    members: Vec<String>,
    /// Ids by the path parameter that takes them.
    resources: BTreeMap<String, Vec<String>>,
}

impl Tenant {
    /// Creates an organization with `owner` as its only member.
    pub async fn empty(owner: &Person<'_>) -> Self {
        let made =
            owner.client.post("/v1/organizations", json!({ "name": "Analytical Engines" })).await.ok(201);
        let id = made.text("/data/id").to_owned();
        let path = format!("/v1/organizations/{id}");
        Self { id, path, members: Vec::new(), resources: BTreeMap::new() }
    }

    /// Creates an organization with members, and some resources of every kind.
    pub async fn of(app: &TestApp, owner: &Person<'_>) -> Self {
        let mut tenant = Self::empty(owner).await;
        tenant.members = ids(&people(app).await);
        for member in &tenant.members {
            tenant.join(app, member).await;
        }
        for _ in 0..=SOME {
            for (parameter, id) in owner.create_everything(&tenant.path).await {
                tenant.resources.entry(parameter).or_default().push(id);
            }
        }
        tenant
    }

    async fn join(&self, app: &TestApp, member: &str) {
        let statement = "INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
            VALUES ($1::uuid, $2::uuid, 'member', now(), now())";
        let joined = sqlx::query(statement).bind(&self.id).bind(member).execute(app.database.pool()).await;
        joined.expect("a member");
    }

    pub async fn invite(&self, owner: &Person<'_>, email: &str) -> String {
        let body = json!({ "email": email, "role": "member" });
        let made = owner.client.post(&format!("{}/invitations", self.path), body).await.ok(201);
        made.text("/data/id").to_owned()
    }

    pub async fn key_with_every_scope(&self, owner: &Person<'_>) -> String {
        let body = json!({ "name": "All", "scopes": Scope::ALL });
        let made = owner.client.post(&format!("{}/api-keys", self.path), body).await.ok(201);
        made.text("/data/key").to_owned()
    }

    /// Gives `run` the ids: the first of each kind to show and change, the others to delete.
    pub fn give_ids_to(&self, run: Run) -> Run {
        let mut run = run.always("path.organizationId", &self.id);
        let members = ("memberId".to_owned(), self.members.clone());
        for (parameter, ids) in self.resources.clone().into_iter().chain([members]) {
            let (place, item) = (format!("path.{parameter}"), format!("/{{{parameter}}}"));
            run = run.always(&place, &ids[0]);
            let removed = document::operations().into_iter();
            let removed = removed
                .filter(|operation| operation.method == Method::DELETE && operation.path.ends_with(&item));
            run = removed.fold(run, |run, operation| run.often(&operation.id, &place, &ids[1..]));
        }
        run
    }
}
