use std::collections::HashSet;

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use serde_json::json;

const REUSES: &str =
    "SELECT count(*) FROM audit_events WHERE action = 'session.refresh_token_reused' AND outcome = 'denied'";

#[tokio::test]
async fn twenty_concurrent_refreshes_get_one_successor() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;

    let answers = join_all((0..20).map(|_| ada.refresh(&ada.refresh_token))).await;

    let successors: HashSet<_> =
        answers.into_iter().map(|answer| answer.ok(200).text("/data/refreshToken").to_owned()).collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(app.database.value::<i32>("SELECT generation FROM sessions").await, 1);
    ada.refresh(successors.iter().next().expect("one")).await.ok(200);
}

#[tokio::test]
async fn used_token_gets_the_same_successor_for_ten_seconds_then_ends_the_session() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let first = ada.refresh(&ada.refresh_token).await.ok(200);
    let successor = first.text("/data/refreshToken");

    app.clock.advance(TimeDelta::seconds(10));
    let again = ada.refresh(&ada.refresh_token).await.ok(200);
    assert_eq!(again.text("/data/refreshToken"), successor);

    app.clock.advance(TimeDelta::microseconds(1));
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    ada.refresh(successor).await.refused(401, "invalid-refresh-token");
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    assert_eq!(app.database.value::<i64>(REUSES).await, 1);
    assert_eq!(
        app.database.value::<String>("SELECT revoked_reason FROM sessions").await,
        "refresh_token_reused"
    );
}

#[tokio::test]
async fn older_token_ends_the_session_even_within_the_grace_period() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let second = ada.refresh(&ada.refresh_token).await.ok(200);
    ada.refresh(second.text("/data/refreshToken")).await.ok(200);

    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");

    assert_eq!(app.database.value::<i64>(REUSES).await, 1);
}

#[tokio::test]
async fn forged_token_with_a_real_session_id_ends_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let mut bytes =
        data_encoding::BASE64URL_NOPAD.decode(&ada.refresh_token.as_bytes()[3..]).expect("base64url");
    bytes[40] ^= 1;
    let forged = format!("rt_{}", data_encoding::BASE64URL_NOPAD.encode(&bytes));

    for token in [forged.as_str(), "", "rt_", "rt_AAAA", &ada.access_token, "\u{1F600}"] {
        ada.refresh(token).await.refused(401, "invalid-refresh-token");
    }

    ada.refresh(&ada.refresh_token).await.ok(200);
    assert_eq!(app.database.value::<i64>(REUSES).await, 0);
}

#[tokio::test]
async fn concurrent_refresh_and_revocation_leave_no_valid_token() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for _ in 0..8 {
        let phone = ada.sign_in_again().await;
        let path = format!("/v1/auth/sessions/{}", phone.session);
        let rivals = join_all((0..4).map(|_| phone.refresh(&phone.refresh_token)));
        let (revoked, answers) = tokio::join!(ada.client.delete(&path), rivals);
        revoked.ok(204);
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let client = phone.client.token(answer.text("/data/accessToken"));
            client.get("/v1/auth/me").await.refused(401, "unauthenticated");
            phone.refresh(answer.text("/data/refreshToken")).await.refused(401, "invalid-refresh-token");
        }
    }
}

#[tokio::test]
async fn refreshed_session_ends_after_30_days() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let mut token = ada.refresh_token.clone();
    for day in [6, 12, 18, 24, 29] {
        app.clock.advance(TimeDelta::days(if day == 29 { 5 } else { 6 }));
        token = ada.refresh(&token).await.ok(200).text("/data/refreshToken").to_owned();
    }
    app.clock.advance(TimeDelta::days(1));
    ada.refresh(&token).await.refused(401, "invalid-refresh-token");
}

#[tokio::test]
async fn unused_token_expires_after_a_week() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    let next = ada.refresh(&ada.refresh_token).await.ok(200);
    app.clock.advance(TimeDelta::days(7));
    ada.refresh(next.text("/data/refreshToken")).await.refused(401, "invalid-refresh-token");
}

#[tokio::test]
async fn no_token_is_in_the_database() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.refresh(&ada.refresh_token).await.ok(200);
    let rows: String = app.database.value("SELECT string_agg(s::text, ' ') FROM sessions s").await;
    let secret =
        data_encoding::BASE64URL_NOPAD.decode(&ada.refresh_token.as_bytes()[3..]).expect("base64url");
    assert!(!rows.contains(&ada.refresh_token));
    assert!(!rows.contains(&data_encoding::HEXLOWER.encode(&secret[20..52])));
}

#[tokio::test]
async fn refresh_without_a_token_is_refused() {
    let app = TestApp::new().await;
    app.client().post("/v1/auth/refresh", json!({})).await.refused(401, "invalid-refresh-token");
    app.client().post_nothing("/v1/auth/refresh").await.refused(401, "invalid-refresh-token");
}

#[tokio::test]
async fn session_cached_before_its_refresh_outlives_its_old_expiry() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    // The session expires after a week, and its access token after 15 minutes.
    app.clock.advance(TimeDelta::weeks(1) - TimeDelta::minutes(1));
    let refreshed = ada.refresh(&ada.refresh_token).await.ok(200);
    let client = app.client().token(refreshed.text("/data/accessToken"));
    let outdated = format!(
        r#"{{"user_id":"{}","authenticated_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-09T03:04:05Z"}}"#,
        ada.id
    );
    app.put_in_cache(&format!("session:{}", ada.session), &outdated).await;
    app.clock.advance(TimeDelta::minutes(2));
    client.get("/v1/auth/me").await.ok(200);
}
