//! The pages of the API, `/account/…`.

use harness::{PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::site::Site;

const NEW_PASSWORD: &str = "an entirely different phrase";

/// What a person does on a page: types into its fields, presses a button, and sees what the next page `says`.
pub fn step(types: &[&str], presses: &str, says: &str) -> Value {
    json!({ "types": types, "presses": presses, "says": says })
}

/// A visit to the page behind `link`.
pub fn visit(link: &str, steps: &[Value]) -> Value {
    json!({ "link": link, "steps": steps })
}

/// Asks for a mail without signing in.
async fn ask_for_mail(app: &TestApp, path: &str, email: &str) {
    app.client().post(path, json!({ "email": email })).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_about_an_address_need_only_a_keyboard() {
    let site = Site::with_own_pages().await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let mut visits = vec![
        visit(&site.link_to(&ada.email), &[step(&[], "Confirm", "Your e-mail address is confirmed.")]),
        visit(&site.link_to(&bob.email), &[step(&[], "This was not me", "The link does not work any more.")]),
    ];

    let cy = app.verified_person("Cy").await;
    let wish = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
    cy.client.post("/v1/auth/change-email", wish).await.ok(202);
    let link = site.link_to("countess@example.com");
    let wrong = step(&["not the password"], "Move", "The current password is wrong.");
    visits.push(visit(&link, &[wrong, step(&[PASSWORD], "Move", "Your account has this address now.")]));

    let dora = app.verified_person("Dora").await;
    let wish = json!({ "newEmail": "thief@example.com", "currentPassword": PASSWORD });
    dora.client.post("/v1/auth/change-email", wish).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("thief@example.com") });
    dora.client.post("/v1/auth/confirm-email", token).await.ok(204);
    let back = step(&[], "Take back", "Your account has this address again.");
    visits.push(visit(&site.link_to(&dora.email), &[back]));

    site.tell("visit-pages", &json!({ "visits": visits })).await;
    assert_eq!(cy.client.get("/v1/auth/me").await.ok(200).text("/data/email"), "countess@example.com");
    dora.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_about_a_sign_in_need_only_a_keyboard() {
    let site = Site::with_own_pages().await;
    let app = &site.app;
    let ada = app.verified_person("Ada").await;
    ask_for_mail(app, "/v1/auth/forgot-password", &ada.email).await;
    let chosen = step(&[NEW_PASSWORD], "Change password", "Your password is changed.");
    let mut visits = vec![visit(&site.link_to(&ada.email), &[chosen])];

    let bob = app.verified_person("Bob").await;
    let thief = bob.sign_in_elsewhere().await;
    let rejected = step(&[], "This was not me", "Your account is signed out everywhere and has no password.");
    visits.push(visit(&site.link_to(&bob.email), &[rejected]));

    let cy = app.verified_person("Cy").await;
    let second = cy.add_authenticator().await;
    ask_for_mail(app, "/v1/auth/magic-links", &cy.email).await;
    let code = app.next_code(&second.app);
    let steps = [
        step(&[], "Sign in", "Enter the code that your authenticator app shows"),
        step(&[code.as_str()], "Sign in", "You are signed in on this device."),
    ];
    visits.push(visit(&site.link_to(&cy.email), &steps));

    let eve = app.person("Eve").await;
    let team = eve.create_organization("Engines").await;
    let dora = app.verified_person("Dora").await;
    let invitation = json!({ "email": dora.email, "role": "member" });
    eve.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    let joined = step(&[dora.email.as_str(), PASSWORD], "Join", "You belong to “Engines” now.");
    visits.push(visit(&site.link_to(&dora.email), &[joined]));

    site.tell("visit-pages", &json!({ "visits": visits })).await;
    let login = json!({ "email": ada.email, "password": NEW_PASSWORD });
    app.client().post("/v1/auth/login", login).await.ok(201);
    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_run_and_load_nothing_that_a_stranger_has_put_into_them() {
    let site = Site::with_own_pages().await;
    let pages = [
        "verify-email",
        "reset-password",
        "confirm-email",
        "undo-email-change",
        "reject-sign-in",
        "magic-link",
        "second-factor",
        "link-identity",
        "signed-in",
        "invitation",
    ];
    site.tell("inject", &json!({ "pages": pages })).await;
}
