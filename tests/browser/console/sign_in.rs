//! The pages before a sign-in, and those that mailed links lead to.

use harness::PASSWORD;
use serde_json::json;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn invited_person_signs_in_and_joins_without_a_token_in_the_address() {
    let site = Site::with_console().await;
    let (ada, bob) = (site.app.person("Ada").await, site.app.verified_person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    ada.invite(&organization, &bob.email, "member").await;
    let given = json!({
        "link": site.link_to(&bob.email),
        "person": { "email": bob.email, "password": PASSWORD },
        "organization": organization,
    });
    site.tell("console/sign-in-invited", &given).await;
    bob.client.get(&organization).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn link_that_signs_in_another_account_says_so() {
    let site = Site::with_console().await;
    let (ada, bob) = (site.app.person("Ada").await, site.app.verified_person("Bob").await);
    site.app.client().post("/v1/auth/magic-links", json!({ "email": bob.email })).await.ok(202);
    let given = json!({
        "link": site.link_to(&bob.email),
        "person": { "email": ada.email, "password": PASSWORD, "name": "Ada" },
        "other": { "email": bob.email, "name": "Bob" },
    });
    site.tell("console/sign-in-by-mail-of-another", &given).await;
}
