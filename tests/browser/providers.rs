//! Sign-in with the providers of `local-stack/providers.mjs`: a certified one, and one that speaks as GitHub does.

use harness::PASSWORD;
use serde_json::json;

use crate::{
    pages::{step, visit},
    site::Site,
};

const PROVIDERS: [&str; 2] = ["acme", "github"];
const ADA: &str = "Ada Lovelace";
const ADDRESS: &str = "ada@providers.example";
const SIGNED_IN: &str = "You are signed in on this device.";

/// Presses a button of the provider, and comes back to the page of the API, which `says` what came of it.
async fn come_back(site: &Site, provider: &str, button: &str, says: &str) {
    let is_signed_in = says == SIGNED_IN;
    let given = json!({ "provider": provider, "persona": button, "says": says, "isSignedIn": is_signed_in });
    site.tell("sign-in-on-own-pages", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_signs_in_with_a_provider_at_a_front_end() {
    for provider in PROVIDERS {
        let site = Site::with_front_end().await;
        let given = json!({ "provider": provider, "persona": ADA });
        let me = site.tell("sign-in-with-provider", &given).await;
        assert_eq!((&me["email"], &me["emailVerified"]), (&json!(ADDRESS), &json!(true)), "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn person_signs_in_with_a_provider_on_the_page_of_the_api() {
    for provider in PROVIDERS {
        let site = Site::with_own_pages().await;
        come_back(&site, provider, ADA, SIGNED_IN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn person_who_cancels_at_the_provider_is_not_signed_in() {
    let site = Site::with_own_pages().await;
    for provider in PROVIDERS {
        come_back(&site, provider, "Cancel", "The sign-in was cancelled.").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_is_finished_in_the_browser_that_began_it_only() {
    for provider in PROVIDERS {
        let site = Site::with_front_end().await;
        let user = site.tell("finish-in-another-browser", &json!({ "provider": provider })).await;
        assert_eq!(user["email"], ADDRESS, "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_of_the_address_adds_the_provider_with_the_button_behind_the_mail() {
    const IDENTITIES: &str = "SELECT count(*) FROM identities";
    let site = Site::with_own_pages().await;
    let ada = json!({ "name": "Ada", "email": ADDRESS, "password": PASSWORD });
    site.app.client().post("/v1/auth/register", ada).await.ok(201);
    let proof = json!({ "token": site.app.token_mailed_to(ADDRESS) });
    site.app.client().post("/v1/auth/verify-email", proof).await.ok(200);

    come_back(&site, "acme", ADA, "An account has this address already").await;
    assert_eq!(site.app.database.value::<i64>(IDENTITIES).await, 0);

    let press = step(&[], "Add it to my account", "The provider signs in to your account now.");
    let visits = [visit(&site.link_to(ADDRESS), &[press])];
    site.tell("visit-pages", &json!({ "visits": visits })).await;
    assert_eq!(site.app.database.value::<i64>(IDENTITIES).await, 1);
    come_back(&site, "acme", ADA, SIGNED_IN).await;
}
