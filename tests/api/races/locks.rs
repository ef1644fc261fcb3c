//! The lock order of `docs/architecture.md`, with a server connection for each of sixteen requests. Each test holds a row, so that the
//! requests are at known places. Debug builds also check the order of every statement in every test (`shared/src/db/lock_order.rs`).

use std::sync::Arc;

use axum::{body::Body, http::Method};
use futures_util::future::{join, join_all, join3};
use harness::{Answer, Database, PASSWORD, TestApp};
use serde_json::json;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use super::CONCURRENT;

/// Starts an app whose sixteen connections go to the server itself. The pooler of the tests has three for each database.
async fn direct_app(settings: &[(&str, &str)]) -> TestApp {
    let database = Database::create().await;
    let url = database.direct_url();
    let mut all =
        vec![("DATABASE_URL", url.as_str()), ("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")];
    all.extend(settings);
    TestApp::on(database, &all)
}

/// Begins a transaction of the owner of the database that locks the row that `query` finds.
async fn hold(database: &Database, query: &str) -> Transaction<'static, Postgres> {
    let mut transaction = database.pool().begin().await.expect("a transaction");
    let query = format!("{query} FOR UPDATE");
    let held = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut *transaction).await.expect("a lock");
    assert_eq!(held.len(), 1);
    transaction
}

/// Checks that no other transaction has locked the row that `query` finds.
async fn assert_free(database: &Database, query: &str) {
    let query = format!("{query} FOR UPDATE NOWAIT");
    let free = sqlx::query(AssertSqlSafe(query.clone())).fetch_all(database.pool()).await;
    assert_eq!(free.unwrap_or_else(|error| panic!("{query}: {error}")).len(), 1);
}

/// Waits until `count` requests wait for locks.
async fn wait_until_blocked(database: &Database, count: i64) {
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.value::<i64>(blocked).await < count {}
}

/// Ends the app, whose connections report their deadlocks when they are closed, and checks that there was none.
async fn assert_no_deadlock(app: TestApp) {
    let database = Arc::clone(&app.database);
    drop(app);
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND backend_type = 'client backend' AND usename <> current_user";
    while database.value::<i64>(others).await > 0 {}
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(database.value::<i64>(deadlocks).await, 0);
}

#[tokio::test]
async fn connections_past_the_pooler_report_their_deadlocks() {
    let app = direct_app(&[]).await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (of_ada, of_bob) = (row("users", &ada.id), row("users", &bob.id));
    let mut first = hold(&app.database, &of_ada).await;
    let mut second = hold(&app.database, &of_bob).await;
    let lock = |query: &str| sqlx::query(AssertSqlSafe(format!("{query} FOR UPDATE")));
    let (one, other) = join(lock(&of_bob).execute(&mut *first), lock(&of_ada).execute(&mut *second)).await;
    assert!(one.is_err() != other.is_err(), "{one:?} {other:?}");
    drop((first, second));
    app.database.pool().close().await;
    let owner = sqlx::PgPool::connect(&app.database.owner_url()).await.expect("a connection");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(deadlocks).fetch_one(&owner).await.expect("a count");
    assert_eq!(deadlocks, 1);
    owner.close().await;
}

fn row(table: &str, id: &str) -> String {
    format!("SELECT 1 FROM {table} WHERE id = '{id}'")
}

fn token_of(user: &str) -> String {
    format!("SELECT 1 FROM verification_tokens WHERE user_id = '{user}'")
}

#[tokio::test]
async fn presses_of_join_on_two_devices_make_one_member() {
    let pages = ("APP_URL", "https://api.example.com/account");
    let app = direct_app(&[pages]).await;
    {
        let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
        let team = ada.create_organization("Engines").await;
        let token = ada.invite(&team, &bob.email, "member").await.token;
        let path = format!("/account/invitation?token={token}");
        let form = format!("email={}&password={}", bob.email, PASSWORD.replace(' ', "+"));
        let press = async || {
            let client = app.client().with("origin", "https://api.example.com");
            let client = client.with("content-type", "application/x-www-form-urlencoded");
            client.send(Method::POST, &path, Body::from(form.clone())).await
        };
        // Both wait for the user, then go on at the same time.
        let held = hold(&app.database, &row("users", &bob.id)).await;
        let release = async {
            wait_until_blocked(&app.database, 2).await;
            held.rollback().await.expect("a rollback");
        };
        let (one, other, ()) = join3(press(), press(), release).await;

        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{one:?} {other:?}");
        bob.client.get(&team).await.ok(200);
    }
    assert_no_deadlock(app).await;
}

#[tokio::test]
async fn verification_that_waits_for_the_user_leaves_the_token_free() {
    let app = direct_app(&[]).await;
    let ada = app.person("Ada").await;
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    let held = hold(&app.database, &row("users", &ada.id)).await;
    let check = async {
        wait_until_blocked(&app.database, 1).await;
        assert_free(&app.database, &token_of(&ada.id)).await;
        held.rollback().await.expect("a rollback");
    };
    let client = app.client();
    let (verified, ()) = join(client.post("/v1/auth/verify-email", token), check).await;
    verified.ok(200);
}

#[tokio::test]
async fn code_that_waits_for_the_user_leaves_the_token_free() {
    let app = direct_app(&[]).await;
    let ada = app.verified_person("Ada").await;
    app.database.execute("DELETE FROM verification_tokens").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let body = json!({ "email": ada.email, "code": app.code_mailed_to(&ada.email) });
    let held = hold(&app.database, &row("users", &ada.id)).await;
    let check = async {
        wait_until_blocked(&app.database, 1).await;
        assert_free(&app.database, &token_of(&ada.id)).await;
        held.rollback().await.expect("a rollback");
    };
    let client = app.client();
    let (verified, ()) = join(client.post("/v1/auth/magic-links/verify", body), check).await;
    verified.ok(201);
}

#[tokio::test]
async fn erasure_locks_organizations_of_others_with_the_address_in_the_order_of_ids() {
    let app = direct_app(&[]).await;
    let (root, eve) = (app.administrator("Root").await, app.person("Eve").await);
    let gone = app.verified_person("Gone").await;
    // The organization of another person has the lower id.
    let billed = eve.create_organization("Engines").await;
    eve.client.patch(&billed, json!({ "billingEmail": gone.email })).await.ok(200);
    let own = gone.create_organization("Own").await;
    let id = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();

    let held = hold(&app.database, &row("organizations", &id(&billed))).await;
    let check = async {
        wait_until_blocked(&app.database, 1).await;
        assert_free(&app.database, &row("organizations", &id(&own))).await;
        held.rollback().await.expect("a rollback");
    };
    let path = format!("/v1/users/{}/erase", gone.id);
    let (erased, ()) = join(root.client.post_nothing(&path), check).await;

    erased.ok(200);
    let billed = eve.client.get(&billed).await.ok(200);
    assert!(billed.body["data"]["billingEmail"].is_null(), "{billed:?}");
}

#[tokio::test]
async fn account_changed_by_sixteen_requests_at_once_has_no_deadlock() {
    let app = direct_app(&[]).await;
    for _ in 0..4 {
        let ada = app.verified_person("Ada").await;
        for _ in 0..3 {
            app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
        }
        app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
        let reset =
            json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "an entirely new phrase" });
        let sessions = join_all((0..4).map(|_| ada.sign_in_again())).await;
        let clients: Vec<_> = (0..CONCURRENT).map(|_| app.client()).collect();
        let send = async |n: usize| -> Answer {
            let (client, session) = (&clients[n], &sessions[n % 4]);
            match n / 4 {
                0 => session.client.post_nothing("/v1/auth/logout-all").await,
                1 => client.post("/v1/auth/magic-links", json!({ "email": ada.email })).await,
                2 => {
                    let guess = json!({ "email": ada.email, "code": "guess" });
                    client.post("/v1/auth/magic-links/verify", guess).await
                }
                _ if n.is_multiple_of(2) => client.post("/v1/auth/reset-password", reset.clone()).await,
                _ => client.post("/v1/auth/refresh", json!({ "refreshToken": session.refresh_token })).await,
            }
        };
        let held = hold(&app.database, &row("users", &ada.id)).await;
        let release = async {
            wait_until_blocked(&app.database, 4).await;
            held.rollback().await.expect("a rollback");
        };
        let (answers, ()) = join(join_all((0..CONCURRENT).map(send)), release).await;
        for answer in &answers {
            assert!(!answer.status.is_server_error(), "{answer:?}");
        }
    }
    assert_no_deadlock(app).await;
}

#[tokio::test]
async fn sixteen_requests_reach_the_server_at_once() {
    let app = direct_app(&[]).await;
    let ada = app.person("Ada").await;
    let held = hold(&app.database, &row("users", &ada.id)).await;
    let release = async {
        wait_until_blocked(&app.database, CONCURRENT.try_into().expect("a small number")).await;
        held.rollback().await.expect("a rollback");
    };
    let name = json!({ "name": "Countess" });
    let changes = join_all((0..CONCURRENT).map(|_| ada.client.patch("/v1/auth/me", name.clone())));
    let (answers, ()) = join(changes, release).await;
    for answer in answers {
        answer.ok(200);
    }
}
