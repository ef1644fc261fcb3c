//! The console, `web/platform`, as it is released.

mod account;
mod administration;
mod artifacts;
mod chat;
mod everywhere;
mod organization;
mod paint;
mod sign_in;

use harness::{PASSWORD, ingestion::Ingestion};
use serde_json::json;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn console_loads_under_its_policy_and_asks_for_a_sign_in() {
    let site = Site::with_console().await;
    site.tell("console/load", &json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_the_console_uploads_and_downloads_a_file() {
    let ingestion = Ingestion::create().await;
    let site = Site::with_console_and(&ingestion.settings()).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let person = json!({ "email": ada.email, "password": PASSWORD });
    let given = json!({ "person": person, "organization": organization, "text": "The engine weaves." });
    site.tell_and_ingest(&ingestion, "console/upload", &given).await;
}
