//! Which identity a sign-in finds, and which one it changes.

use chrono::TimeDelta;
use harness::{
    Issuer,
    sign_in::{app_of, sign_in_with},
};
use serde_json::{Value, json};
use shared::{domain::ids::UserId, store::oauth_flows};

use super::{id_of, identities, link, register, sign_in};

/// Gives Bob an identity of the same subject at another issuer, before all others.
const LINKED_ELSEWHERE: &str =
    "INSERT INTO identities (id, user_id, provider, issuer, subject, email, proved, created_at, last_used_at)
     SELECT uuidv7(), id, 'github', 'https://other.example', 'someone', 'elsewhere@issuer.example', true,
            '2020-01-01', '2020-01-01'
     FROM users WHERE name = 'Bob'";

#[tokio::test]
async fn identity_belongs_to_its_issuer_and_its_subject() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    app.database.execute(LINKED_ELSEWHERE).await;
    link(&app, &bob.client, &issuer, "someone else").await.ok(204);
    link(&app, &ada.client, &issuer, "someone").await.ok(204);
    for (subject, owner) in [("someone", &ada), ("someone else", &bob)] {
        let signed_in = sign_in_with(&app.client(), "acme", &issuer, subject, &json!({})).await.ok(201);
        assert_eq!(signed_in.text("/data/user/id"), owner.id);
    }
}

#[tokio::test]
async fn deletion_of_a_user_frees_the_identities_of_nobody_else() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let cy = app.verified_person("Cy").await;
    link(&app, &ada.client, &issuer, "someone").await.ok(204);
    link(&app, &bob.client, &issuer, "someone else").await.ok(204);
    ada.client.delete("/v1/auth/me").await.ok(204);
    link(&app, &cy.client, &issuer, "someone else").await.refused(409, "linked-elsewhere");
    link(&app, &cy.client, &issuer, "someone").await.ok(204);
}

#[tokio::test]
async fn unproved_identity_of_another_user_makes_none_unproved() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    link(&app, &bob.client, &issuer, "someone else").await.ok(204);
    app.database.execute("UPDATE identities SET proved = false").await;
    link(&app, &ada.client, &issuer, "someone").await.ok(204);
    let proved = "SELECT string_agg(subject, ',') FROM identities WHERE proved";
    assert_eq!(app.database.value::<String>(proved).await, "someone");
    // Only a user whose ways in are all proved can add an app.
    ada.client.post_nothing("/v1/auth/totp").await.ok(201);
}

#[tokio::test]
async fn new_password_removes_the_identity_of_nobody_else() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    link(&app, &bob.client, &issuer, "someone").await.ok(204);
    app.database.execute("UPDATE identities SET proved = false").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let new = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "another long phrase" });
    app.client().post("/v1/auth/reset-password", new).await.ok(204);
    assert_eq!(identities(&app).await, 1);
}

#[tokio::test]
async fn mailed_identity_is_offered_to_one_user_for_one_token() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let owner = id_of(&register(&app, true).await).await;
    sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
    let token: Vec<u8> = app.database.value("SELECT code_hash FROM oauth_flows WHERE purpose = 'mail'").await;
    let other = app.person("Bob").await.id;
    for (user, token, is_offered) in
        [(&other, &*token, false), (&owner, b"another token", false), (&owner, &token, true)]
    {
        let user = UserId(user.parse().expect("a UUID"));
        let find = async |tx: &mut _| Ok(oauth_flows::find_offered(tx, user, token).await?.is_some());
        assert_eq!(app.state.app.db.transaction(find).await.expect("the transaction commits"), is_offered);
    }
}

#[tokio::test]
async fn sign_in_changes_the_identity_that_was_used() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let bob = app.verified_person("Bob").await;
    app.database.execute(LINKED_ELSEWHERE).await;
    for subject in ["someone", "someone else"] {
        link(&app, &bob.client, &issuer, subject).await.ok(204);
    }
    app.clock.advance(TimeDelta::hours(1));
    let address = json!({ "email": "new@issuer.example" });
    sign_in_with(&app.client(), "acme", &issuer, "someone", &address).await.ok(201);

    let used = "SELECT string_agg(provider || ' ' || subject, ',') FROM identities
                WHERE email = 'new@issuer.example' AND last_used_at > created_at";
    assert_eq!(app.database.value::<String>(used).await, "acme someone");
    let others =
        "SELECT count(*) FROM identities WHERE email <> 'new@issuer.example' AND last_used_at = created_at";
    assert_eq!(app.database.value::<i64>(others).await, 2);
}

#[tokio::test]
async fn one_identity_is_removed_and_the_others_stay() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.verified_person("Ada").await;
    for subject in ["one", "two", "three"] {
        link(&app, &ada.client, &issuer, subject).await.ok(204);
    }
    let listed = async || {
        let list = ada.client.get("/v1/auth/accounts").await.ok(200);
        let methods = list.body["data"].as_array().expect("a list").iter();
        let ids = methods.filter(|method| method["method"] == "provider").map(|method| method["id"].clone());
        ids.collect::<Vec<Value>>()
    };
    let before = listed().await;
    assert_eq!(before.len(), 3);
    let path = format!("/v1/auth/accounts/{}", before[1].as_str().expect("an id"));
    ada.client.delete(&path).await.ok(204);
    assert_eq!(listed().await, [before[0].clone(), before[2].clone()]);
}
