mod cookie;
mod refresh;

use std::collections::HashSet;

use harness::{PASSWORD, TestApp};
use serde_json::{Value, json};

#[tokio::test]
async fn session_pages_are_complete_during_changes() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let mut expected: HashSet<String> = HashSet::from([ada.session.clone()]);
    for _ in 0..6 {
        expected.insert(ada.sign_in_again().await.session);
    }

    for sort in ["createdAt", "-createdAt"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                ada.client.get(&format!("/v1/auth/sessions?limit=2&sort={sort}{cursor}")).await.ok(200);
            seen.extend(
                page.body["data"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|s| s["id"].as_str().expect("an id").to_owned()),
            );
            let newcomer = ada.sign_in_again().await;
            ada.client.delete(&format!("/v1/auth/sessions/{}", newcomer.session)).await.ok(204);
            match page.body["meta"]["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), expected.len(), "{sort}");
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected, "{sort}");
    }
}

#[tokio::test]
async fn sessions_name_browser_and_system() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let login = json!({ "email": ada.email, "password": PASSWORD });
    let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
    for (agent, device) in [
        (firefox, json!({ "browser": "Firefox", "system": "Windows" })),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)", json!({ "browser": null, "system": "Android" })),
        ("curl/8.5.0", Value::Null),
    ] {
        let client = app.client().with("user-agent", agent);
        let session =
            client.post("/v1/auth/login", login.clone()).await.ok(201).body["data"]["session"].clone();
        assert_eq!(session["device"], device, "{agent}");
        let id = session["id"].as_str().expect("an id");
        let shown = ada.client.get(&format!("/v1/auth/sessions/{id}")).await.ok(200);
        assert_eq!((&shown.body["data"]["device"], shown.text("/data/userAgent")), (&device, agent));
    }
}

#[tokio::test]
async fn list_refuses_unknown_parameters_and_values() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "cursor=x",
        "cursor=AAAA",
        "sort=name",
        "userId=1",
        "limit=1&limit=2",
    ] {
        ada.client.get(&format!("/v1/auth/sessions?{query}")).await.refused(422, "invalid-query");
    }
}

#[tokio::test]
async fn session_can_be_read_and_ended_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let phone = ada.sign_in_again().await;
    let path = format!("/v1/auth/sessions/{}", phone.session);

    let shown = ada.client.get(&path).await.ok(200);
    assert_eq!(shown.body["data"]["current"], false);
    ada.client.delete(&path).await.ok(204);
    ada.client.delete(&path).await.refused(404, "session-not-found");
    ada.client.get(&path).await.refused(404, "session-not-found");
    ada.client.get("/v1/auth/sessions/not-an-id").await.refused(404, "no-such-route");
}

#[tokio::test]
async fn logout_ends_only_this_session() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let phone = ada.sign_in_again().await;
    phone.client.post_nothing("/v1/auth/logout").await.ok(204);
    phone.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    phone.refresh(&phone.refresh_token).await.refused(401, "invalid-refresh-token");
    ada.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test]
async fn logout_all_ends_every_session() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (phone, tablet, bob) =
        (ada.sign_in_again().await, ada.sign_in_again().await, app.person("Bob").await);
    phone.client.get("/v1/auth/me").await.ok(200);
    ada.client.post_nothing("/v1/auth/logout-all").await.ok(204);
    for person in [&ada, &phone, &tablet] {
        person.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    }
    bob.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test]
async fn session_of_another_user_is_not_found() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let path = format!("/v1/auth/sessions/{}", ada.session);

    bob.client.get(&path).await.refused(404, "session-not-found");
    bob.client.delete(&path).await.refused(404, "session-not-found");

    ada.client.get(&path).await.ok(200);
}
