//! Members that a body must not have, in every body that the OpenAPI document describes.

use std::collections::{BTreeMap, HashSet};

use axum::http::Method;
use harness::{
    Client, TestApp,
    document::{Operation, operations},
};
use serde_json::{Value, json};

/// Members that no body may set.
fn forbidden_members(ada: &str) -> Vec<(&'static str, Value)> {
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

/// A client that may do everything, and the ids of resources.
pub struct Scene<'a> {
    pub client: Client<'a>,
    organization: String,
    user: String,
    /// By the parameters that name them in a path.
    things: BTreeMap<String, String>,
}

impl<'a> Scene<'a> {
    /// Ada administers the system and owns an organization, of which Bob is a member.
    pub async fn new(app: &'a TestApp) -> Self {
        let (ada, bob) = (app.administrator("Ada").await, app.person("Bob").await);
        bob.verify_address().await;
        let path = ada.create_organization("Analytical Engines").await;
        ada.add(&path, &bob, "member").await;
        let organization = path.rsplit('/').next().expect("an id").to_owned();
        let mut things = ada.create_everything(&path).await;
        ada.verify_address().await;
        ada.add_passkey("Phone").await;
        let methods = ada.client.get("/v1/auth/accounts").await.ok(200);
        let methods = methods.body["data"].as_array().expect("a list");
        let passkey = methods.iter().find(|method| method["method"] == "passkey").expect("a passkey");
        things.insert("id".to_owned(), passkey["id"].as_str().expect("an id").to_owned());
        Self { client: ada.client, organization, user: bob.id, things }
    }

    pub fn path(&self, operation: &Operation) -> String {
        operation.path_with(|parameter| match parameter {
            "organizationId" => self.organization.clone(),
            "memberId" | "userId" => self.user.clone(),
            "provider" => "acme".to_owned(),
            "id" if operation.path.starts_with("/v1/auth/accounts/") => "password".to_owned(),
            _ => self.things.get(parameter).cloned().unwrap_or_else(|| {
                panic!("{} has the parameter {parameter}, of which this test knows no id", operation.path)
            }),
        })
    }
}

/// Every operation that takes a body.
pub fn with_a_body() -> impl Iterator<Item = (Operation, Value)> {
    operations().into_iter().filter_map(|mut operation| {
        let mut body = operation.body.take()?;
        if operation.id == "create_account" {
            body["provider"] = json!("acme");
        }
        Some((operation, body))
    })
}

#[tokio::test]
async fn bodies_refuse_undocumented_members() {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let before = app.database.checksums().await;

    let mut tried = HashSet::new();
    for (operation, body) in with_a_body() {
        let path = scene.path(&operation);
        for (member, value) in forbidden_members(&scene.user) {
            if operation.members.iter().any(|known| known == member) {
                continue;
            }
            let mut body = body.clone();
            body[member] = value;
            // Each time from another address, so that no limit is reached.
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

/// Otherwise the test above would show nothing.
#[tokio::test]
async fn documented_bodies_are_read_by_their_operations() {
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
