use harness::{ApiKey, Person, TestApp};
use serde_json::{Value, json};
use shared::{
    crypto::api_key::ApiKeyToken,
    domain::{audit::Action, ids::ApiKeyId},
};

const OFFICE: &str = "203.0.113.7";
const SCOPES: &[&str] = &["organization:read"];

async fn app() -> TestApp {
    TestApp::with(&[("RATE_LIMIT_MAX_REQUESTS", "10")]).await
}

/// Uses up what anonymous clients at `address` may send.
async fn use_up(app: &TestApp, address: &str) {
    let stranger = app.client().at(address);
    while stranger.get("/v1/config").await.status != 429 {}
}

/// Creates an organization with a key that was not used yet.
async fn organization_with_key(ada: &Person<'_>) -> (String, ApiKey) {
    let organization = ada.create_organization("Engines").await;
    let key = ada.create_key(&organization, SCOPES).await;
    (organization, key)
}

#[tokio::test]
async fn people_and_keys_behind_one_address_do_not_share_a_limit() {
    let app = app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (organization, key) = organization_with_key(&ada).await;
    let program = app.client().at(OFFICE).token(&key.secret);
    use_up(&app, OFFICE).await;

    let [ada, bob] = [&ada, &bob].map(|person| person.client.at(OFFICE));
    while ada.get("/v1/auth/me").await.status == 200 {}

    ada.get("/v1/auth/me").await.refused(429, "too-many-requests");
    for left in (0..10).rev() {
        let answer = bob.get("/v1/auth/me").await.ok(200);
        assert_eq!(answer.header("ratelimit-remaining"), left.to_string());
        let answer = program.get(&organization).await.ok(200);
        assert_eq!(answer.header("ratelimit-remaining"), left.to_string());
    }
    bob.get("/v1/auth/me").await.refused(429, "too-many-requests");
    program.get(&organization).await.refused(429, "too-many-requests");
    app.client().at(OFFICE).get("/v1/config").await.refused(429, "too-many-requests");
}

#[tokio::test]
async fn requests_of_a_session_are_limited_across_all_sources() {
    let app = app().await;
    let ada = app.person("Ada").await;
    for _ in 0..10 {
        app.client().token(&ada.access_token).get("/v1/auth/me").await.ok(200);
    }
    let answer = app.client().token(&ada.access_token).get("/v1/auth/me").await;
    answer.refused(429, "too-many-requests");
    ada.sign_in_again().await.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test]
async fn stranger_who_knows_an_id_cannot_use_up_its_limit() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let (organization, key) = organization_with_key(&ada).await;
    app.client().token(&key.secret).get(&organization).await.ok(200);
    let id = ApiKeyId(key.id.parse().expect("an id"));
    let (signed, _) = ada.access_token.rsplit_once('.').expect("a signature");
    let forged_token = format!("{signed}.{}", "A".repeat(86));

    for _ in 0..12 {
        let guessed = ApiKeyToken::generate(id).expect("a key");
        app.client().token(guessed.reveal()).get(&organization).await.refused(401, "unauthenticated");
        app.client().token(&forged_token).get("/v1/auth/me").await.refused(401, "unauthenticated");
    }

    let answer = app.client().token(&key.secret).get(&organization).await.ok(200);
    assert_eq!(answer.header("ratelimit-remaining"), "8");
    // After the organization and the key were created.
    let answer = ada.client.get("/v1/auth/me").await.ok(200);
    assert_eq!(answer.header("ratelimit-remaining"), "7");
}

#[tokio::test]
async fn refused_credentials_are_charged_to_their_address() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let (organization, key) = organization_with_key(&ada).await;
    app.client().token(&key.secret).get(&organization).await.ok(200);
    ada.client.delete(&format!("{organization}/api-keys/{}", key.id)).await.ok(204);
    ada.client.post_nothing("/v1/auth/logout").await.ok(204);
    let unknown = ApiKeyToken::generate(ApiKeyId::new()).expect("a key");
    for (address, credential) in [
        ("198.51.100.1", ada.access_token.as_str()),
        ("198.51.100.2", &key.secret),
        ("198.51.100.3", unknown.reveal()),
        ("198.51.100.4", "forged"),
    ] {
        let client = app.client().at(address);
        // The requests of the ended session before count too.
        while client.token(credential).get(&organization).await.status == 401 {}
        for _ in 0..6 {
            client.get("/nowhere").await;
        }
        client.get("/v1/config").await.refused(429, "too-many-requests");
    }
}

#[tokio::test]
async fn new_key_works_at_an_address_whose_requests_are_used_up() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let (organization, key) = organization_with_key(&ada).await;
    use_up(&app, OFFICE).await;
    let first = app.client().at(OFFICE).token(&key.secret).get(&organization).await.ok(200);
    assert_eq!(first.header("ratelimit-remaining"), "9");
}

#[tokio::test]
async fn administrator_raises_the_limit_of_a_key_and_of_an_organization() {
    let app = app().await;
    let (ada, root) = (app.person("Ada").await, app.administrator("Root").await);
    let (organization, key) = organization_with_key(&ada).await;
    let program = app.client().token(&key.secret);
    let limit = async || program.get(&organization).await.ok(200).header("ratelimit-limit").to_owned();
    let (of_all, of_key) =
        (format!("{organization}/rate-limit"), format!("{organization}/api-keys/{}/rate-limit", key.id));
    let set = async |path: &str, number: Value| {
        let body = json!({ "requestsPerWindow": number });
        let answer = root.client.call(&"PUT".parse().expect("a method"), path, Some(&body)).await.ok(200);
        assert_eq!(answer.body["data"], body);
        // It takes effect with the second request: the first one reads it.
        program.get(&organization).await.ok(200);
    };
    assert_eq!(limit().await, "10");
    set(&of_all, json!(20)).await;
    assert_eq!(limit().await, "20");
    set(&of_key, json!(30)).await;
    assert_eq!(limit().await, "30");
    set(&of_all, Value::Null).await;
    assert_eq!(limit().await, "30");
    set(&of_key, Value::Null).await;
    assert_eq!(limit().await, "10");
    let other = ada.create_key(&organization, SCOPES).await;
    set(&of_all, json!(20)).await;
    for _ in 0..20 {
        app.client().token(&other.secret).get(&organization).await.ok(200);
    }
    app.client().token(&other.secret).get(&organization).await.refused(429, "too-many-requests");

    let events = ada.client.get(&format!("{organization}/audit-events")).await.ok(200);
    let events = events.body["data"].as_array().expect("events").clone();
    let count = |action: Action| events.iter().filter(|event| event["action"] == action.as_str()).count();
    assert_eq!(count(Action::OrganizationRateLimitSet), 3);
    assert_eq!(count(Action::ApiKeyRateLimitSet), 2);
}

#[tokio::test]
async fn limit_that_is_no_number_of_requests_is_refused() {
    let app = TestApp::new().await;
    let (ada, root) = (app.person("Ada").await, app.administrator("Root").await);
    let organization = ada.create_organization("Engines").await;
    let path = format!("{organization}/rate-limit");
    for body in [
        json!({}),
        json!({ "requestsPerWindow": 0 }),
        json!({ "requestsPerWindow": 1_000_001 }),
        json!({ "requestsPerWindow": "10" }),
    ] {
        let answer = root.client.call(&"PUT".parse().expect("a method"), &path, Some(&body)).await;
        answer.refused(422, "invalid-body");
    }
}
