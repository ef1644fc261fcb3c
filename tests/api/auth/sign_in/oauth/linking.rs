//! Signed in, and linking; and the link in a mail.

use chrono::TimeDelta;
use harness::{
    Issuer, PASSWORD,
    sign_in::{app_of, code, sign_in_with},
};
use serde_json::json;

use super::{ADDRESS, EXCHANGE, begin_link, identities, link, register, sign_in, suspend};

#[tokio::test]
async fn signed_in_user_links_an_identity_whatever_its_address() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.verified_person("Ada").await;

    link(&app, &ada.client, &issuer, "someone").await.ok(204);

    assert_eq!(app.mail_to(&ada.email).subject, "A way to sign in was added");
    let signed_in = sign_in_with(&app.client(), "acme", &issuer, "someone", &json!({})).await.ok(201);
    assert_eq!(signed_in.text("/data/user/id"), ada.id);
    let mails = app.mails().len();
    link(&app, &ada.client, &issuer, "someone").await.ok(204);
    assert_eq!((identities(&app).await, app.mails().len()), (1, mails), "it was linked before");
}

#[tokio::test]
async fn address_that_no_account_could_have_is_left_out() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.verified_person("Ada").await;
    let long = format!("{}@issuer.example", "a".repeat(240));
    for (subject, email) in [("one", "a\0@issuer.example"), ("two", long.as_str())] {
        let flow = begin_link(&ada.client).await;
        let back = flow.come_back_as(&app, &issuer, subject, &json!({ "email": email })).await;
        flow.browser.post(EXCHANGE, json!({ "code": code(&back) })).await.ok(204);
    }
    let without = "SELECT count(*) FROM identities WHERE email IS NULL";
    assert_eq!(app.database.value::<i64>(without).await, 2);
}

#[tokio::test]
async fn identity_of_another_user_cannot_be_linked() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = sign_in(&app, &issuer, &json!({})).await.ok(201);
    let bob = app.verified_person("Bob").await;
    link(&app, &bob.client, &issuer, "ada").await.refused(409, "linked-elsewhere");
    suspend(&app, first.text("/data/user/id")).await;
    link(&app, &bob.client, &issuer, "ada").await.refused(409, "linked-elsewhere");
}

#[tokio::test]
async fn identity_of_a_deleted_user_can_be_linked() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = sign_in(&app, &issuer, &json!({})).await.ok(201);
    app.client().token(first.text("/data/accessToken")).delete("/v1/auth/me").await.ok(204);
    let bob = app.verified_person("Bob").await;
    link(&app, &bob.client, &issuer, "ada").await.ok(204);
    let signed_in = sign_in(&app, &issuer, &json!({})).await.ok(201);
    assert_eq!(signed_in.text("/data/user/id"), bob.id);
}

#[tokio::test]
async fn link_of_a_user_who_is_suspended_or_deleted_since_is_refused() {
    for is_deleted in [true, false] {
        let issuer = Issuer::start().await;
        let app = app_of(&issuer).await;
        let ada = app.verified_person("Ada").await;
        let flow = begin_link(&ada.client).await;
        let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
        if is_deleted {
            ada.client.delete("/v1/auth/me").await.ok(204);
        } else {
            suspend(&app, &ada.id).await;
        }
        let body = json!({ "code": code(&back) });
        flow.browser.post(EXCHANGE, body).await.refused(401, "unauthenticated");
        assert_eq!(identities(&app).await, 0);
    }
}

#[tokio::test]
async fn account_has_at_most_twenty_identities() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.verified_person("Ada").await;
    app.database
        .execute(
            "INSERT INTO identities (id, user_id, provider, issuer, subject, proved, created_at, last_used_at)
             SELECT uuidv7(), users.id, 'acme', 'https://issuer.example', n::text, true, now(), now()
             FROM users, generate_series(1, 20) n",
        )
        .await;
    link(&app, &ada.client, &issuer, "ada").await.refused(409, "too-many-identities");
}

/// The person who moves the account has proved to read its address, so the identities are theirs, as the password is.
#[tokio::test]
async fn identities_stay_with_the_person_who_moves_the_account() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.person("Ada").await;
    link(&app, &ada.client, &issuer, "ada").await.ok(204);
    let wish = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let proof = json!({ "token": app.token_mailed_to("countess@example.com") });
    ada.client.post("/v1/auth/confirm-email", proof).await.ok(204);

    let address = json!({ "email": "countess@example.com" });
    app.client().post("/v1/auth/magic-links", address).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("countess@example.com") });
    app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);

    assert_eq!(identities(&app).await, 1);
}

#[tokio::test]
async fn link_of_a_mail_is_withdrawn_and_expires() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let owner = register(&app, true).await;
    sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
    let first = json!({ "token": app.token_mailed_to(ADDRESS) });
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long phrase" });
    owner.post("/v1/auth/change-password", change).await.ok(204);
    app.client().post("/v1/auth/link-identity", first).await.refused(422, "invalid-token");

    sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
    let second = json!({ "token": app.token_mailed_to(ADDRESS) });
    app.clock.advance(TimeDelta::hours(1));
    app.client().post("/v1/auth/link-identity", second).await.refused(422, "invalid-token");
    assert_eq!(identities(&app).await, 0);
}

#[tokio::test]
async fn mailed_identity_that_was_linked_elsewhere_since_is_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    register(&app, true).await;
    let bob = app.verified_person("Bob").await;
    sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    link(&app, &bob.client, &issuer, "ada").await.ok(204);
    app.client().post("/v1/auth/link-identity", token).await.refused(409, "linked-elsewhere");
}
