//! `migrate` restores a deleted organization for an operator.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestApp, function_settings};
use migrate::{Request, Restored, restore};
use serde_json::json;
use shared::{
    config::Config,
    domain::ids::OrganizationId,
    lambda::job::{Deadline, Job},
};

async fn restored(app: &TestApp, organization: &str) -> anyhow::Result<Restored> {
    let settings = function_settings(&app.database);
    let config = Config::from_lookup(|name| settings.get(name).cloned(), &["DATABASE_URL"]);
    let id = organization.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    let (config, clock) = (config.expect("a valid configuration"), Arc::new(app.clock.clone()));
    restore(&config.database, &app.database.owner_url(), OrganizationId(id), clock, &job).await
}

async fn refused(app: &TestApp, organization: &str, why: &str) {
    let before = app.database.checksums().await;
    let error = restored(app, organization).await.expect_err("a refusal");
    assert!(format!("{error:#}").contains(why), "{error:#}");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn operator_restores_an_organization_within_its_30_days_only() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Engines").await;
    refused(&app, "0197c0de-0000-7000-8000-000000000000", "no such organization").await;
    refused(&app, &team, "is not deleted").await;
    ada.client.delete(&team).await.ok(200);
    ada.client.get(&team).await.refused(404, "organization-not-found");

    app.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert_eq!(restored(&app, &team).await.expect("restored").owners, 1);
    let ada = ada.sign_in_again().await;
    ada.client.get(&team).await.ok(200);
    let log = ada.client.get(&format!("{team}/audit-events?action=organization.restored")).await.ok(200);
    assert_eq!(log.text("/data/0/requestId"), "the-run");
    refused(&app, &team, "is not deleted").await;

    ada.client.delete(&team).await.ok(200);
    app.clock.advance(TimeDelta::days(30));
    refused(&app, &team, "could be restored until").await;
}

#[tokio::test]
async fn operator_restores_no_organization_whose_owner_cannot_act() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    ada.client.delete(&team).await.ok(200);
    let suspended = format!("/v1/users/{}/suspend", ada.id);
    grace.client.post(&suspended, json!({ "reason": "case 12/34" })).await.ok(200);
    refused(&app, &team, "no owner with a verified address is active").await;
}

#[test]
fn event_names_the_organization() {
    let id = "0197c0de-0000-7000-8000-000000000000";
    let event = json!({ "command": "restore-organization", "organization": id });
    let request: Request = serde_json::from_value(event).expect("an event");
    let arguments = ["restore-organization", id].map(str::to_owned);
    assert_eq!(Request::parse(&arguments), Some(request));
    assert_eq!(Request::parse(&["restore-organization", "all"].map(str::to_owned)), None);
}
