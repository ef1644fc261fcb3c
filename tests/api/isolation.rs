use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;

/// A transaction pooler could answer one client's half-sent statement with the rows of another. With 24 users on three server
/// connections, this would happen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_users_never_get_each_others_answers() {
    let app = TestApp::with(&[("DB_POOL_MAX", "24"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let people = join_all((0..24).map(|n| app.person(["Ada", "Bob", "Eve", "Zoe"][n % 4]))).await;

    join_all(people.iter().map(async |person| {
        for round in 0..12 {
            let name = format!("{} {round}", person.email);
            let name = &name[..name.len().min(100)];
            let changed = person.client.patch("/v1/auth/me", json!({ "name": name })).await.ok(200);
            assert_eq!(changed.text("/data/id"), person.id);
            let me = person.client.get("/v1/auth/me").await.ok(200);
            assert_eq!((me.text("/data/id"), me.text("/data/name")), (person.id.as_str(), name));
            assert_eq!(me.text("/data/email"), person.email);
            let sessions = person.client.get("/v1/auth/sessions").await.ok(200);
            assert_eq!(sessions.body["data"].as_array().map(Vec::len), Some(1));
            assert_eq!(sessions.text("/data/0/id"), person.session);
        }
    }))
    .await;
}
