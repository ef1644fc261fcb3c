//! The pages of an account.

use harness::{PASSWORD, Person};
use serde_json::{Value, json};

use crate::site::Site;

/// Somebody who signs in in a story.
fn person(person: &Person<'_>) -> Value {
    json!({ "email": person.email, "password": PASSWORD, "id": person.id })
}

#[tokio::test(flavor = "multi_thread")]
async fn person_changes_the_profile_the_password_and_the_address() {
    const NEW_PASSWORD: &str = "an entirely different phrase";
    const NEW_EMAIL: &str = "countess@example.com";
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    let given = json!({ "person": person(&ada), "newPassword": NEW_PASSWORD, "newEmail": NEW_EMAIL });
    site.tell("console/account-profile", &given).await;
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let proof = json!({ "token": site.app.token_mailed_to(NEW_EMAIL), "currentPassword": NEW_PASSWORD });
    site.app.client().post("/v1/auth/confirm-email", proof).await.ok(204);
    let login = json!({ "email": NEW_EMAIL, "password": NEW_PASSWORD });
    site.app.client().post("/v1/auth/login", login).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_removes_the_password_and_asks_for_another() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    site.tell("console/account-no-password", &json!({ "person": person(&ada) })).await;
    let login = json!({ "email": ada.email, "password": PASSWORD });
    site.app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    let new = json!({ "token": site.app.token_mailed_to(&ada.email), "newPassword": "a password again" });
    site.app.client().post("/v1/auth/reset-password", new).await.ok(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_account_say_what_keeps_mail_from_its_address() {
    let site = Site::with_console().await;
    let app = &site.app;
    let ada = app.person("Ada").await;
    let (bob, cy) = (app.verified_person("Bob").await, app.verified_person("Cy").await);
    app.stop_mail(&bob.email, "bounce").await;
    app.stop_mail(&cy.email, "complaint").await;
    let given = json!({ "unconfirmed": person(&ada), "bounced": person(&bob), "complained": person(&cy) });
    site.tell("console/account-mail", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_adds_renames_and_removes_a_passkey() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    site.tell("console/account-passkeys", &json!({ "person": person(&ada) })).await;
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn person_adds_an_authenticator_app_and_stores_its_recovery_codes() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    let time = site.app.state.app.clock.now().timestamp();
    site.tell("console/account-authenticator", &json!({ "person": person(&ada), "time": time })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_connects_a_provider_and_removes_it() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    let given = json!({
        "person": person(&ada),
        "persona": "Ada Lovelace",
        "address": "ada@providers.example",
    });
    site.tell("console/account-provider", &given).await;
    assert_eq!(site.app.database.value::<i64>("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_ends_other_sessions() {
    let site = Site::with_console().await;
    let ada = site.app.person("Ada").await;
    let (again, elsewhere) = (ada.sign_in_again().await, ada.sign_in_elsewhere().await);
    // With that of the story.
    site.tell("console/account-sessions", &json!({ "person": person(&ada), "sessions": 4 })).await;
    for ended in [ada, again, elsewhere] {
        ended.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn person_takes_the_data_along_and_deletes_the_account() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, bob, eve) =
        (app.verified_person("Ada").await, app.verified_person("Bob").await, app.person("Eve").await);
    let team = eve.create_organization("Engines").await;
    eve.add(&team, &bob, "member").await;
    let given = json!({ "person": person(&ada), "owner": person(&eve) });
    site.tell("console/account-data", &given).await;
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    eve.client.get(&team).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_reads_in_words_what_happened_with_the_account() {
    let site = Site::with_console().await;
    let app = &site.app;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    // More than one page.
    for phone in 0..30 {
        let change = json!({ "phone": format!("+4420718387{phone:02}") });
        ada.client.patch("/v1/auth/me", change).await.ok(200);
    }
    let wrong = json!({ "email": ada.email, "password": "not the password" });
    app.client().post("/v1/auth/login", wrong).await.refused(401, "wrong-credentials");
    let path = format!("/v1/users/{}", ada.id);
    grace.client.post(&format!("{path}/suspend"), json!({ "reason": "A test" })).await.ok(200);
    grace.client.post_nothing(&format!("{path}/restore")).await.ok(200);
    site.tell("console/account-activity", &json!({ "person": person(&ada) })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_account_try_again_after_a_failure() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    site.tell("console/account-failures", &json!({ "person": person(&ada) })).await;
}
