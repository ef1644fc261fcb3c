use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;
use shared::db::Tx;

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

/// What row-level security would need (ADR 11). With 12 transactions at once on three server connections, a setting that stays on a
/// connection would be seen by others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setting_of_a_transaction_is_never_seen_by_another_transaction() {
    let app = TestApp::with(&[("DB_POOL_MAX", "12"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let value = async |tx: &mut Tx| {
        let value = "SELECT coalesce(current_setting('arches.organization', true), '')";
        sqlx::query_scalar::<_, String>(value).fetch_one(tx).await
    };

    join_all((0..12).map(async |number| {
        for round in 0..20 {
            let own = format!("{number}.{round}");
            let work = async |tx: &mut Tx| {
                assert_eq!(value(tx).await?, "");
                let set = sqlx::query("SELECT set_config('arches.organization', $1, true)");
                set.bind(&own).execute(&mut *tx).await?;
                assert_eq!(value(tx).await?, own);
                Ok(())
            };
            app.state.app.db.transaction(work).await.expect("the transaction commits");
        }
    }))
    .await;
}
