use harness::TestApp;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    copies::{drop_database, text, unused},
    vault::Vault,
};

/// Eight texts that are Ada's and occur nowhere else.
const PLANTED: [&str; 8] = [
    "Planted-Name",
    "planted-address@example.com",
    "https://example.com/planted-image.png",
    "+4420718312345",
    "planted-agent/1.0",
    "Planted-Space",
    "planted-slug",
    "https://example.com/planted-logo.png",
];

#[tokio::test]
async fn of_someone_who_was_erased_after_the_backup_nothing_comes_back() {
    let bucket = format!("l-{}", uuid::Uuid::new_v4().simple());
    let app = TestApp::with(&[("ERASURE_BUCKET", &bucket)]).await;
    let vault = Vault::with_ledger(&app.database, bucket).await;
    let client = app.client().with("user-agent", PLANTED[4]);
    let body = json!({ "name": PLANTED[0], "email": PLANTED[1], "password": "a long enough phrase" });
    let answer = client.post("/v1/auth/register", body).await.ok(201);
    let proof = json!({ "token": app.token_mailed_to(PLANTED[1]) });
    client.post("/v1/auth/verify-email", proof).await.ok(200);
    let ada = client.token(answer.text("/data/accessToken"));
    ada.patch("/v1/auth/me", json!({ "image": PLANTED[2], "phone": PLANTED[3] })).await.ok(200);
    let own = ada.get("/v1/organizations").await.ok(200);
    let change =
        json!({ "name": PLANTED[5], "slug": PLANTED[6], "logo": PLANTED[7], "billingEmail": PLANTED[1] });
    ada.patch(&format!("/v1/organizations/{}", own.text("/data/0/id")), change).await.ok(200);
    let grace = app.administrator("Grace").await;
    let team = grace.found("Engines").await;
    let invitation = json!({ "email": PLANTED[1], "role": "member" });
    grace.client.post(&format!("{team}/invitations"), invitation).await.ok(201);

    vault.back_up().await;
    let id = answer.text("/data/user/id");
    grace.client.post(&format!("/v1/users/{id}/erase"), json!({})).await.ok(200);
    let name = unused();
    let function = vault.restore_function().await;
    let event = json!({ "command": "restore", "target": vault.beside(&name) });
    let restored = function.invoke(event).await.expect("restored");
    assert_eq!(restored["erasedAgain"], 1);

    let mut copy = PgConnection::connect(&vault.beside(&name)).await.expect("a connection");
    let tables = "SELECT string_agg(format('%I', tablename), ' ') FROM pg_tables WHERE schemaname = 'public'";
    let tables = text(&mut copy, tables).await;
    let mut all = function.log().concat();
    for table in tables.split(' ') {
        all +=
            &text(&mut copy, &format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")).await;
    }
    assert!(all.contains(&grace.email) && all.contains(id), "the others are there, and the erased id");
    for planted in PLANTED {
        assert!(!all.to_lowercase().contains(&planted.to_lowercase()), "{planted} came back");
    }
    let noted = format!(
        "SELECT count(*)::text FROM audit_events WHERE action = 'user.erased' AND target_id = '{id}'"
    );
    assert_eq!(text(&mut copy, &noted).await, "1");
    copy.close().await.expect("a clean end");
    drop_database(&app.database, &name).await;

    let drilled = vault.drill().await.expect("restored");
    assert_eq!(drilled["erasedAgain"], 1, "an erasure holds for every restore");
    vault.remove_ledger().await;
    let error = vault.drill().await.expect_err("who was erased is not known");
    assert!(error.contains("s3 is away"), "{error}");
}
