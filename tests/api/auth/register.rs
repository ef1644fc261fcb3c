use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;

#[tokio::test]
async fn new_user_gets_a_session_an_organization_and_a_mail() {
    let app = TestApp::new().await;

    let body = json!({ "name": " Zoë ", "email": "zoe@example.com", "password": "a long enough phrase" });
    let answer = app.client().post("/v1/auth/register", body).await.ok(201);

    assert_eq!(answer.text("/data/user/name"), "Zoë");
    assert_eq!(answer.text("/data/tokenType"), "Bearer");
    assert_eq!(answer.body["data"]["expiresIn"], 900);
    assert_eq!(answer.body["data"]["session"]["current"], true);
    assert_eq!(answer.text("/data/user/createdAt"), "2026-01-02T03:04:05Z");
    let owners = "SELECT count(*) FROM members m JOIN organizations o ON o.id = m.organization_id
                  WHERE m.role = 'owner' AND o.personal_to = m.user_id";
    assert_eq!(app.database.value::<i64>(owners).await, 1);
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to.as_ref(), "zoe@example.com");
    assert!(mails[0].text.contains("http://localhost:9005/verify-email?token="), "{}", mails[0].text);
}

#[tokio::test]
async fn address_is_unique_regardless_of_case() {
    let app = TestApp::new().await;
    let taken = |email: &str| json!({ "name": "Ada", "email": email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", taken("ada@example.com")).await.ok(201);

    app.client().post("/v1/auth/register", taken("ADA@Example.com")).await.refused(409, "email-taken");

    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 1);
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test]
async fn sixteen_concurrent_registrations_create_one_account() {
    let app = TestApp::new().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });

    let clients: Vec<_> = (0..16).map(|_| app.client()).collect();
    let answers = join_all(clients.iter().map(|c| c.post("/v1/auth/register", body.clone()))).await;

    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    for table in
        ["SELECT count(*) FROM users", "SELECT count(*) FROM organizations", "SELECT count(*) FROM sessions"]
    {
        assert_eq!(app.database.value::<i64>(table).await, 1, "{table}");
    }
}

#[tokio::test]
async fn address_of_a_deleted_user_can_be_used_again() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client.delete("/v1/auth/me").await.ok(204);

    let body = json!({ "name": "Ada", "email": ada.email, "password": "a long enough phrase" });
    let again = app.client().post("/v1/auth/register", body).await.ok(201);

    assert_ne!(again.text("/data/user/id"), ada.id);
}

#[tokio::test]
async fn common_password_is_refused_as_common() {
    let app = TestApp::new().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "Password123" });

    let answer = app.client().post("/v1/auth/register", body).await;

    answer.refused(422, "invalid-body");
    assert_eq!(answer.text("/errors/0/pointer"), "/password");
    assert!(answer.text("/errors/0/detail").contains("common"));
}

#[tokio::test]
async fn registrations_per_source_are_limited() {
    let app = TestApp::new().await;
    let client = app.client();
    let body = json!({ "name": "Eve", "email": "ada@example.com", "password": "a long enough phrase" });
    client.post("/v1/auth/register", body.clone()).await.ok(201);
    for _ in 0..9 {
        client.post("/v1/auth/register", body.clone()).await.refused(409, "email-taken");
    }
    client.post("/v1/auth/register", body).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn two_spellings_of_a_domain_are_one_account() {
    let app = TestApp::new().await;
    let new = |email: &str| json!({ "name": "Ada", "email": email, "password": "a long enough phrase" });
    let made = app.client().post("/v1/auth/register", new("ada@münchen.example")).await.ok(201);
    assert_eq!(made.text("/data/user/email"), "ada@xn--mnchen-3ya.example");
    let other = app.client().post("/v1/auth/register", new("ADA@xn--mnchen-3ya.example")).await;
    other.refused(409, "email-taken");
    let login = json!({ "email": "ada@MÜNCHEN.example", "password": "a long enough phrase" });
    app.client().post("/v1/auth/login", login).await.ok(201);
}

#[tokio::test]
async fn address_that_no_mail_can_reach_is_refused_with_the_reason() {
    let app = TestApp::new().await;
    let new = json!({ "name": "Ada", "email": "adä@example.com", "password": "a long enough phrase" });
    let answer = app.client().post("/v1/auth/register", new).await;
    answer.refused(422, "invalid-body");
    assert_eq!(answer.text("/errors/0/pointer"), "/email");
    assert!(answer.text("/errors/0/detail").contains("ASCII"), "{answer:?}");
}

#[tokio::test]
async fn mail_to_an_unverified_address_has_no_text_of_a_stranger() {
    let app = TestApp::new().await;
    let new = json!({ "name": "Collect your prize", "email": "victim@example.com", "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", new).await.ok(201);
    let mail = app.mail_to("victim@example.com");
    assert!(!mail.text.contains("prize") && !mail.html.contains("prize"), "{}", mail.text);
}

#[tokio::test]
async fn deceiving_names_are_refused_for_users_organizations_and_keys() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Engines").await;
    for name in ["see https://evil.example", "a\u{202e}b", "\u{3164}"] {
        let body = json!({ "name": name });
        for answer in [
            ada.client.patch("/v1/auth/me", body.clone()).await,
            ada.client.post("/v1/organizations", body.clone()).await,
            ada.client.patch(&team, body).await,
            ada.client
                .post(&format!("{team}/api-keys"), json!({ "name": name, "scopes": ["members:read"] }))
                .await,
        ] {
            answer.refused(422, "invalid-body");
            assert_eq!(answer.text("/errors/0/pointer"), "/name");
        }
    }
}
