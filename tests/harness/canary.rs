//! Canaries: personal data in every column that can have it, and a way to search for it.

use serde_json::json;
use shared::domain::personal_data::TABLES;

use crate::{Client, TestApp};

/// Texts that occur nowhere else.
pub const CANARIES: [&str; 17] = [
    "Canary-Name",
    "canary-address@example.com",
    "https://example.com/canary-image.png",
    "+4420718312345",
    "canary-agent/1.0",
    "Canary-Space",
    "canary-slug",
    "https://example.com/canary-logo.png",
    "Canary-Team",
    "Canary-Past",
    "Canary-Title",
    "Canary-Message",
    "Canary-Quote",
    "https://canary-issuer.example",
    "canary-subject",
    "canary-at-provider@example.com",
    "Canary-Passkey",
];

/// Creates a user whose data is in every column that can have it. Returns the user's id and access token.
pub async fn create_canaries(app: &TestApp) -> (String, String) {
    let body = json!({ "name": CANARIES[0], "email": CANARIES[1], "password": "a long enough phrase" });
    let client = app.client().with("user-agent", CANARIES[4]);
    let answer = client.post("/v1/auth/register", body).await.ok(201);
    let token = answer.text("/data/accessToken").to_owned();
    let proof = json!({ "token": app.token_mailed_to(CANARIES[1]) });
    client.post("/v1/auth/verify-email", proof).await.ok(200);
    // From a new device, so that a link to reject it is mailed.
    let sign_in = json!({ "email": CANARIES[1], "password": "a long enough phrase" });
    client.post("/v1/auth/login", sign_in).await.ok(201);
    let ada = client.token(&token);
    ada.patch("/v1/auth/me", json!({ "image": CANARIES[2], "phone": CANARIES[3] })).await.ok(200);
    let own = ada.get("/v1/organizations").await.ok(200);
    let change =
        json!({ "name": CANARIES[5], "slug": CANARIES[6], "logo": CANARIES[7], "billingEmail": CANARIES[1] });
    ada.patch(&format!("/v1/organizations/{}", own.text("/data/0/id")), change).await.ok(200);
    // Organizations without other members: one lives, one is deleted.
    ada.post("/v1/organizations", json!({ "name": CANARIES[8] })).await.ok(201);
    let past = ada.post("/v1/organizations", json!({ "name": CANARIES[9] })).await.ok(201);
    ada.delete(&format!("/v1/organizations/{}", past.id())).await.ok(200);
    let grace = app.administrator("Grace").await;
    let team = grace.create_organization("Engines").await;
    let invitation = json!({ "email": CANARIES[1], "role": "member" });
    grace.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    app.client().post("/v1/auth/forgot-password", json!({ "email": CANARIES[1] })).await.ok(202);
    app.stop_mail(CANARIES[1], "complaint").await;
    converse(app, &ada, own.text("/data/0/id")).await;
    sqlx::query(
        "INSERT INTO identities (id, user_id, provider, issuer, subject, email, proved, created_at, last_used_at)
         VALUES (uuidv7(), $1::uuid, 'acme', $2, $3, $4, true, now(), now())",
    )
    .bind(answer.text("/data/user/id"))
    .bind(CANARIES[13])
    .bind(CANARIES[14])
    .bind(CANARIES[15])
    .execute(app.database.pool())
    .await
    .expect("an identity");
    sqlx::query(
        "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name,
                               created_at, updated_at, last_used_at)
         VALUES (uuidv7(), $1::uuid, 'canary', '{}', 0, false, false, $2, now(), now(), now())",
    )
    .bind(answer.text("/data/user/id"))
    .bind(CANARIES[16])
    .execute(app.database.pool())
    .await
    .expect("a passkey");
    (answer.text("/data/user/id").to_owned(), token)
}

/// Has a conversation in the organization, with an answer that has a source.
async fn converse(app: &TestApp, ada: &Client<'_>, organization: &str) {
    let list = format!("/v1/organizations/{organization}/conversations");
    let conversation = ada.post(&list, json!({ "title": CANARIES[10] })).await.ok(201);
    let answer = app.begin_answer(conversation.id()).await;
    sqlx::query("UPDATE messages SET content = $1")
        .bind(CANARIES[11])
        .execute(app.database.pool())
        .await
        .expect("the text");
    sqlx::query(
        "INSERT INTO message_sources (id, organization_id, message_id, n, chunk_id, artifact_name, quote)
         VALUES (uuidv7(), $1::uuid, $2::uuid, 1, uuidv7(), 'Handbook.pdf', $3)",
    )
    .bind(organization)
    .bind(answer)
    .bind(CANARIES[12])
    .execute(app.database.pool())
    .await
    .expect("a source");
}

/// Returns every row of every table, as text.
pub async fn all_rows(app: &TestApp) -> String {
    let mut all = String::new();
    for table in TABLES {
        let statement = format!("SELECT coalesce(string_agg(t::text, '\n'), '') FROM {} t", table.name);
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(app.database.pool())
            .await
            .expect("the rows");
        all += &rows;
    }
    all
}
