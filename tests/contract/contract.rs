use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;

use crate::{
    arranged::{
        SOME, api_key, bearer, invitation, join, organization, owner, people, report, scopes, token_mailed_to,
    },
    schemathesis::{DOCUMENT, Run, succeeds, tool},
};

#[tokio::test]
async fn the_document_is_valid_openapi_3_1() {
    let mut command = tool("openapi-spec-validator");
    command.args(["--schema", "3.1", DOCUMENT]);
    succeeds(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_particular_gets_what_the_document_says() {
    let app = TestApp::new().await;
    let people = people(&app).await;
    let links: Vec<_> = people.iter().map(|person| token_mailed_to(&app, &person.email)).collect();
    let client = app.client();
    join_all(
        people.iter().map(|person| client.post("/v1/auth/forgot-password", json!({ "email": person.email }))),
    )
    .await;
    let resets: Vec<_> = people.iter().map(|person| token_mailed_to(&app, &person.email)).collect();
    join_all(
        people.iter().map(|person| client.post("/v1/auth/magic-links", json!({ "email": person.email }))),
    )
    .await;
    let magic_links: Vec<_> = people.iter().map(|person| token_mailed_to(&app, &person.email)).collect();
    let emails: Vec<_> = people.iter().map(|person| person.email.clone()).collect();
    let refresh_tokens: Vec<_> = people.iter().map(|person| person.refresh_token.clone()).collect();

    let server = app.serve().await;
    Run::default()
        .often("verify_email", "body.token", &links)
        .often("reset_password", "body.token", &resets)
        .often("verify_magic_link", "body.token", &magic_links)
        .often("login", "body.email", &emails)
        .often("refresh", "body.refreshToken", &refresh_tokens)
        .ask(&server)
        .await;
    report(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_an_organization_gets_what_the_document_says() {
    let app = TestApp::new().await;
    let ada = owner(&app).await;
    let organization = organization(&ada.client).await;
    let path = format!("/v1/organizations/{organization}");
    let people = people(&app).await;
    for person in &people {
        join(&app, &organization, person).await;
    }
    let spare: Vec<_> = join_all((0..SOME).map(|_| crate::arranged::organization(&ada.client))).await;
    let keys = join_all((0..=SOME).map(|_| api_key(&ada.client, &path))).await;
    let invitations = join_all((0..=SOME).map(|n| invitation(&ada.client, &path, n))).await;
    let sessions: Vec<_> = join_all((0..=SOME).map(|_| ada.sign_in_again()))
        .await
        .into_iter()
        .map(|person| person.session)
        .collect();
    let members: Vec<_> = people.iter().map(|person| person.id.clone()).collect();

    let server = app.serve().await;
    let mut run = Run::of(&["auth", "organizations", "system"])
        .with("Authorization", &bearer(&ada))
        .always("path.organizationId", &organization)
        .often("delete_organization", "path.organizationId", &spare)
        .often("delete_member", "path.memberId", &members[1..])
        .often("revoke_api_key", "path.apiKeyId", &keys[1..])
        .often("revoke_invitation", "path.invitationId", &invitations[1..])
        .often("revoke_session", "path.id", &sessions[1..]);
    for (operation, parameter, value) in [
        ("show_member", "path.memberId", &members[0]),
        ("update_member", "path.memberId", &members[0]),
        ("show_api_key", "path.apiKeyId", &keys[0]),
        ("update_api_key", "path.apiKeyId", &keys[0]),
        ("rotate_api_key", "path.apiKeyId", &keys[0]),
        ("show_invitation", "path.invitationId", &invitations[0]),
        ("show_session", "path.id", &sessions[0]),
    ] {
        run = run.always_for(operation, parameter, value);
    }
    // Whoever asks this is signed in no longer, so that each has someone else to ask it.
    for operation in ["logout", "logout_all", "delete_me", "change_password", "change_email"] {
        run = run.with_for(operation, "Authorization", &bearer(&app.person("Bob").await));
    }
    run.ask(&server).await;
    report(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_the_system_gets_what_the_document_says() {
    let app = TestApp::new().await;
    let ada = owner(&app).await;
    app.database.execute("UPDATE users SET system_administrator = true").await;
    let people = people(&app).await;
    let ids: Vec<_> = people.iter().map(|person| person.id.clone()).collect();

    let server = app.serve().await;
    Run::of(&["users"])
        .with("Authorization", &bearer(&ada))
        .always("path.userId", &ids[0])
        .often("delete_user", "path.userId", &ids[1..])
        .often("erase_user", "path.userId", &ids[1..])
        .ask(&server)
        .await;
    report(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_an_api_key_gets_what_the_document_says() {
    let app = TestApp::new().await;
    let ada = owner(&app).await;
    let organization = organization(&ada.client).await;
    let path = format!("/v1/organizations/{organization}");
    let scopes = scopes();
    let key = ada
        .client
        .post(&format!("{path}/api-keys"), json!({ "name": "All", "scopes": scopes }))
        .await
        .ok(201);
    let people = people(&app).await;
    for person in &people {
        join(&app, &organization, person).await;
    }
    let invitations = join_all((0..=SOME).map(|n| invitation(&ada.client, &path, n))).await;
    let members: Vec<_> = people.iter().map(|person| person.id.clone()).collect();

    let server = app.serve().await;
    let mut run = Run::of(&["organizations"])
        .with("X-API-Key", key.text("/data/key"))
        .always("path.organizationId", &organization)
        .often("delete_member", "path.memberId", &members[1..])
        .often("revoke_invitation", "path.invitationId", &invitations[1..]);
    for (operation, parameter, value) in [
        ("show_member", "path.memberId", &members[0]),
        ("update_member", "path.memberId", &members[0]),
        ("show_invitation", "path.invitationId", &invitations[0]),
    ] {
        run = run.always_for(operation, parameter, value);
    }
    run.ask(&server).await;
    report(&server);
}
