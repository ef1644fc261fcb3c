//! Members that a body must not have, in every body that the OpenAPI document describes.

use std::collections::{BTreeMap, HashSet};

use axum::http::Method;
use harness::{
    Client, TestApp,
    document::{Operation, operations},
};
use serde_json::{Value, json};

/// What someone may hope to set along with the rest.
fn wishes(ada: &str) -> Vec<(&'static str, Value)> {
    let moment = json!("2020-01-01T00:00:00Z");
    vec![
        ("role", json!("owner")),
        ("userId", json!(ada)),
        ("organizationId", json!(ada)),
        ("emailVerified", json!(true)),
        ("emailVerifiedAt", moment.clone()),
        ("plan", json!("enterprise")),
        ("deletedAt", Value::Null),
        ("id", json!(ada)),
        ("version", json!(1)),
        ("isAdmin", json!(true)),
        ("systemAdministrator", json!(true)),
        ("system_administrator", json!(true)),
        ("passwordHash", json!("$argon2id$")),
        ("createdAt", moment),
        ("scopes", json!(["organization:write"])),
        ("status", json!("accepted")),
        ("__proto__", json!({ "isAdmin": true })),
    ]
}

/// Someone who may do everything, and the ids of what they may do it to.
struct Scene<'a> {
    client: Client<'a>,
    organization: String,
    user: String,
    /// By the parameters that name them in a path.
    things: BTreeMap<String, String>,
}

impl<'a> Scene<'a> {
    /// Ada administers the system and owns an organization, of which Bob is a member.
    async fn new(app: &'a TestApp) -> Self {
        let (ada, bob) = (app.administrator("Ada").await, app.person("Bob").await);
        bob.prove_address().await;
        let path = ada.found("Analytical Engines").await;
        ada.add(&path, &bob, "member").await;
        let organization = path.rsplit('/').next().expect("an id").to_owned();
        let things = ada.create_everything(&path).await;
        Self { client: ada.client, organization, user: bob.id, things }
    }

    fn path(&self, operation: &Operation) -> String {
        operation.path_with(|parameter| match parameter {
            "organizationId" => self.organization.clone(),
            "memberId" | "userId" => self.user.clone(),
            "id" if operation.path.starts_with("/v1/auth/accounts/") => "password".to_owned(),
            _ => self.things.get(parameter).cloned().unwrap_or_else(|| {
                panic!("{} has the parameter {parameter}, of which this test knows no id", operation.path)
            }),
        })
    }
}

/// Every operation that takes a body.
fn with_a_body() -> impl Iterator<Item = (Operation, Value)> {
    operations().into_iter().filter_map(|mut operation| {
        let body = operation.body.take()?;
        Some((operation, body))
    })
}

#[tokio::test]
async fn no_body_takes_a_member_that_it_does_not_say_it_has() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let before = app.database.checksums().await;

    let mut tried = HashSet::new();
    for (operation, body) in with_a_body() {
        let path = scene.path(&operation);
        for (member, value) in wishes(&scene.user) {
            if operation.members.iter().any(|known| known == member) {
                continue;
            }
            let mut body = body.clone();
            body[member] = value;
            // Each time from elsewhere, so that no limit is met.
            let client = scene.client.at(&format!("10.0.{}.{}", tried.len() / 250, tried.len() % 250));
            let answer = client.call(&operation.method, &path, Some(&body)).await;
            let said = format!("{} {path} with {member}: {answer:?}", operation.method);
            assert_eq!(answer.status, 422, "{said}");
            answer.refused(422, "invalid-body");
            assert_eq!(answer.text("/errors/0/pointer"), format!("/{member}"), "{said}");
            tried.insert((operation.id.clone(), member));
        }
    }

    assert!(tried.len() > 400, "the document was read");
    assert_eq!(app.database.checksums().await, before);
}

/// Or the test above would show nothing.
#[tokio::test]
async fn every_body_of_the_document_is_one_that_the_operation_reads() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let (last, first): (Vec<_>, Vec<_>) =
        with_a_body().partition(|(operation, _)| operation.method == Method::DELETE);
    for (operation, body) in first.into_iter().chain(last) {
        let answer = scene.client.call(&operation.method, &scene.path(&operation), Some(&body)).await;
        let said = format!("{}: {answer:?}", operation.id);
        assert!(![400, 404, 415, 429, 500].contains(&answer.status.as_u16()), "{said}");
        if answer.status.is_client_error() {
            assert!(!["invalid-body", "unauthenticated"].contains(&answer.problem()), "{said}");
        }
    }
}
