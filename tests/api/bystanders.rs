use std::cmp::Reverse;

use axum::http::Method;
use harness::{Bystanders, TestApp, document::operations};

use crate::round_trips::Counter;

/// Other ways to read a list. Other operations refuse them.
pub const LISTS: [&str; 4] = [
    "limit=100",
    "limit=100&sort=createdAt",
    "limit=100&status=deleted",
    "limit=100&status=deleted&sort=createdAt",
];
/// Works for deleted organizations only.
const RESTORE: &str = "restore_organization";

/// Every operation succeeds once, for users and organizations that have nothing to do with others.
#[tokio::test]
async fn no_operation_changes_or_shows_what_belongs_to_others() {
    let app = TestApp::new().await;
    let bystanders = Bystanders::create(&app).await;
    let mut counter = Counter::new(&app).await;
    counter.bystanders = Some(bystanders);
    counter.count_all().await;
}

/// A lock of a row that belongs to others would let one tenant stop another one.
#[tokio::test]
async fn no_operation_waits_for_rows_of_others() {
    let app = TestApp::new().await;
    Bystanders::create(&app).await;
    let locks = Bystanders::lock(&app).await;
    Counter::new(&app).await.count_all().await;
    locks.rollback().await.expect("the end of the transaction");
}

#[tokio::test]
async fn no_operation_on_an_organization_changes_or_shows_another_of_the_same_people() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.administrator("Ada").await, app.verified_person("Bob").await);
    let here = ada.create_organization("Here").await;
    let there = ada.create_organization("There").await;
    for path in [&here, &there] {
        ada.add(path, &bob, "member").await;
        ada.invite(path, "eve@example.com", "member").await;
    }
    ada.create_everything(&there).await;
    let things = ada.create_everything(&here).await;
    let there = there.rsplit('/').next().expect("an id");
    let there = Bystanders::of_organization(&app, there).await;

    let mut below = operations();
    below.retain(|operation| {
        operation.path.starts_with("/v1/organizations/{organizationId}") && operation.id != RESTORE
    });
    assert!(below.len() > 15, "the document was read");
    below.sort_by_key(|operation| (operation.method == Method::DELETE, Reverse(operation.path.len())));
    for operation in below {
        let path = operation.path_with(|parameter| match parameter {
            "organizationId" => here.rsplit('/').next().expect("an id").to_owned(),
            "memberId" => bob.id.clone(),
            _ => things[parameter].clone(),
        });
        app.prepare_artifact(&operation.id, &things["artifactId"]).await;
        app.prepare_conversation(&operation.id, &things["conversationId"]).await;
        let answer = ada.client.call(&operation.method, &path, operation.body.as_ref()).await;
        assert!(answer.status.is_success(), "{}: {answer:?}", operation.id);
        there.are_unchanged(&app, &operation.id).await;
        there.are_not_in(&answer, &operation.id);
        for query in LISTS.iter().filter(|_| operation.method == Method::GET) {
            there.are_not_in(&ada.client.get(&format!("{path}?{query}")).await, &operation.id);
        }
    }
}
