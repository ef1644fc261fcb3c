use std::collections::BTreeSet;

use futures_util::future::join_all;
use harness::{Client, TestApp};
use serde_json::json;
use uuid::Uuid;

use crate::{
    schemathesis::{DOCUMENT, Described, Run, described, succeeds, tool},
    setup::{SOME, Tenant, bearer, ids, mailed_tokens, owner, people},
};

#[tokio::test]
async fn the_document_is_valid_openapi_3_1() {
    let mut command = tool("openapi-spec-validator");
    command.args(["--schema", "3.1", DOCUMENT]);
    succeeds(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_callers_get_documented_answers() {
    let app = TestApp::new().await;
    // Each operation has its own people: a new password ends sessions and other mailed links, and so does a rejected link.
    let (people, forgetful, strangers) = (people(&app).await, people(&app).await, people(&app).await);
    let refreshing = app.person("Eve").await;
    let robbed = join_all((0..=SOME).map(|_| app.verified_person("Bob"))).await;
    for person in &robbed {
        person.sign_in_elsewhere().await;
    }
    let sign_ins = mailed_tokens(&app, &robbed);
    let proofs = mailed_tokens(&app, &people);
    for person in &forgetful {
        let email = serde_json::json!({ "email": person.email });
        app.client().post("/v1/auth/forgot-password", email).await.ok(202);
    }
    let resets = mailed_tokens(&app, &forgetful);
    let rejections = mailed_tokens(&app, &strangers);
    let emails: Vec<_> = people.iter().map(|person| person.email.clone()).collect();

    let server = app.serve().await;
    let answered = Run::of(|_| true)
        .often("verify_email", "body.token", &proofs)
        .often("reject_link", "body.token", &rejections)
        .often("reject_sign_in", "body.token", &sign_ins)
        .often("reset_password", "body.token", &resets)
        .often("login", "body.email", &emails)
        .always_for("refresh", "body.refreshToken", &refreshing.refresh_token)
        .always_for("authorize_provider", "path.provider", "acme")
        .ask(&server)
        .await;

    // No valid mailed token, no password and no second factor is given for these.
    let all_but = [
        "confirm_email",
        "exchange_provider_code",
        "link_identity",
        "login",
        "sign_in_with_passkey",
        "undo_email_change",
        "verify_challenge",
        "verify_magic_link",
    ];
    all_answered(&answered, &all_but, Described::is_public);
    let refused: Vec<_> = described().into_iter().filter(|operation| !operation.is_public()).collect();
    assert!(refused.iter().all(|operation| !answered.contains(&operation.name)), "{answered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn organization_owner_gets_documented_answers() {
    let app = TestApp::new().await;
    let ada = owner(&app, "Ada").await;
    let tenant = Tenant::of(&app, &ada).await;
    let mut run =
        tenant.give_ids_to(Run::of(|operation| !operation.is_about("users") && !operation.is_public()));
    let (mut spare, mut deleted) = (Vec::new(), Vec::new());
    let (mut sessions, mut invitations) = (Vec::new(), Vec::new());
    for n in 0..=SOME {
        spare.push(Tenant::empty(&ada).await.id);
        let gone = Tenant::empty(&ada).await.id;
        ada.client.delete(&format!("/v1/organizations/{gone}")).await.ok(200);
        deleted.push(gone);
        sessions.push(ada.sign_in_again().await.session);
        let bob = owner(&app, "Bob").await;
        Tenant::empty(&bob).await.invite(&bob, &ada.email).await;
        invitations.extend(mailed_tokens(&app, [&ada]));
        assert_eq!(invitations.len(), n + 1);
    }
    // These end the session of the caller, so each has its own caller.
    for operation in ["logout", "logout_all", "delete_me", "change_password", "change_email"] {
        run = run.with_for(operation, "Authorization", &bearer(&app.person("Eve").await));
    }
    // It ends the other sessions of the caller.
    run = run.with_for("remove_account", "Authorization", &bearer(&app.verified_person("Zoe").await));
    for operation in ["create_recovery_codes", "remove_totp", "show_recovery_codes"] {
        let secured = app.verified_person("Cy").await;
        secured.add_authenticator().await;
        run = run.with_for(operation, "Authorization", &bearer(&secured));
    }
    for operation in ["begin_passkey", "start_totp"] {
        run = run.with_for(operation, "Authorization", &bearer(&app.verified_person("Cy").await));
    }

    let [failed, ready] = artifacts(&app, &ada.client, &tenant).await;
    let quiet = conversation(&ada.client, &tenant).await;

    let server = app.serve().await;
    let answered = run
        .with("Authorization", &bearer(&ada))
        .always_for("retry_artifact", "path.artifactId", &failed)
        .always_for("download_artifact", "path.artifactId", &ready)
        .always_for("create_answer", "path.conversationId", &quiet)
        .often("delete_organization", "path.organizationId", &spare)
        .often("restore_organization", "path.organizationId", &deleted)
        .always_for("show_session", "path.id", &sessions[0])
        .often("revoke_session", "path.id", &sessions[1..])
        .always_for("create_account", "body.provider", "acme")
        .often("accept_invitation", "body.token", &invitations[..2])
        .often("decline_invitation", "body.token", &invitations[2..])
        .ask(&server)
        .await;

    // The schema allows two proofs at once, and no generated request has the right one alone, or the code of an app.
    let all_but = ["add_passkey", "confirm_totp", "reauthenticate", "remove_passkey", "update_passkey"];
    all_answered(&answered, &all_but, |operation| !operation.is_about("users") && !operation.is_public());
}

#[tokio::test(flavor = "multi_thread")]
async fn system_administrator_gets_documented_answers() {
    let app = TestApp::new().await;
    let ada = owner(&app, "Ada").await;
    app.database.execute("UPDATE users SET system_administrator = true").await;
    let users = ids(&people(&app).await);
    let tenant = Tenant::of(&app, &ada).await;

    let server = app.serve().await;
    let answered = tenant
        .give_ids_to(Run::of(|operation| operation.is_about("users")))
        .with("Authorization", &bearer(&ada))
        .always("path.userId", &users[0])
        .often("delete_user", "path.userId", &users[1..2])
        .often("erase_user", "path.userId", &users[2..])
        .ask(&server)
        .await;

    all_answered(&answered, &[], |operation| operation.is_about("users"));
}

#[tokio::test(flavor = "multi_thread")]
async fn api_key_gets_documented_answers() {
    let app = TestApp::new().await;
    let ada = owner(&app, "Ada").await;
    let tenant = Tenant::of(&app, &ada).await;
    let key = tenant.key_with_every_scope(&ada).await;
    let [failed, ready] = artifacts(&app, &ada.client, &tenant).await;
    let quiet = conversation(&ada.client, &tenant).await;
    // A key deletes only what it created, and sees only its own conversations. This one is the newest.
    for give in [
        "UPDATE artifacts SET created_by = NULL, created_by_key = (SELECT max(id::text)::uuid FROM api_keys)",
        "UPDATE conversations SET created_by = NULL, api_key_id = (SELECT max(id::text)::uuid FROM api_keys)",
    ] {
        app.database.execute(give).await;
    }

    let server = app.serve().await;
    let run = Run::of(|operation| operation.takes("apiKey"))
        .with("X-API-Key", &key)
        .often("create_invitation", "body.role", &["member".to_owned()])
        .always_for("retry_artifact", "path.artifactId", &failed)
        .always_for("download_artifact", "path.artifactId", &ready)
        .always_for("create_answer", "path.conversationId", &quiet);
    let answered = tenant.give_ids_to(run).ask(&server).await;

    all_answered(&answered, &[], |operation| operation.takes("apiKey"));
}

/// Creates a conversation in which no answer is being written.
async fn conversation(client: &Client<'_>, tenant: &Tenant) -> String {
    let path = format!("/v1/organizations/{}/conversations", tenant.id);
    client.post(&path, json!({})).await.ok(201).id().to_owned()
}

/// Creates two artifacts: one that can be retried, and one that can be downloaded.
async fn artifacts(app: &TestApp, client: &Client<'_>, tenant: &Tenant) -> [String; 2] {
    let mut made = Vec::new();
    for operation in ["retry_artifact", "download_artifact"] {
        let body = json!({ "name": "Notes", "text": Uuid::new_v4().to_string() });
        let artifact = client.post(&format!("/v1/organizations/{}/artifacts", tenant.id), body).await.ok(201);
        app.prepare_artifact(operation, artifact.id()).await;
        made.push(artifact.id().to_owned());
    }
    made.try_into().expect("two")
}

/// Checks that every wanted operation succeeded at least once. Requests that are all refused would show nothing.
#[track_caller]
fn all_answered(answered: &BTreeSet<String>, all_but: &[&str], wanted: impl Fn(&Described) -> bool) {
    let mut missing = described();
    missing.retain(|operation| {
        wanted(operation)
            && !answered.contains(&operation.name)
            && !all_but.contains(&operation.name.as_str())
    });
    let missing: Vec<_> = missing.into_iter().map(|operation| operation.name).collect();
    assert!(missing.is_empty(), "never answered with success: {missing:?}");
}
