use harness::TestApp;
use serde_json::json;

use super::{clean, counts, dry_run, insert, text, total};

/// All rows of Ada, or with her name, in the tables that are cleaned. All of them must stay.
const ADAS_ROWS: &str = "
    SELECT string_agg(line, E'\\n' ORDER BY line) FROM users u, LATERAL (
        SELECT to_jsonb(u)::text AS line
        UNION ALL SELECT to_jsonb(s)::text FROM sessions s WHERE s.user_id = u.id
        UNION ALL SELECT to_jsonb(t)::text FROM verification_tokens t WHERE t.user_id = u.id
        UNION ALL SELECT to_jsonb(c)::text FROM sign_in_challenges c WHERE c.user_id = u.id
        UNION ALL SELECT to_jsonb(f)::text FROM oauth_flows f WHERE f.user_id = u.id
        UNION ALL SELECT to_jsonb(c)::text FROM passkey_ceremonies c WHERE c.user_id = u.id
        UNION ALL SELECT to_jsonb(i)::text FROM invitations i WHERE lower(i.email) = lower(u.email)
        UNION ALL SELECT to_jsonb(m)::text FROM mail_suppressions m WHERE m.address = lower(u.email)
        UNION ALL SELECT to_jsonb(a)::text FROM artifacts a WHERE a.created_by = u.id
        UNION ALL SELECT to_jsonb(c)::text FROM conversations c WHERE c.created_by = u.id
        UNION ALL SELECT to_jsonb(e)::text FROM audit_events e WHERE u.id IN (e.actor_id, e.target_id)
        UNION ALL SELECT to_jsonb(o)::text FROM organizations o JOIN members m ON m.organization_id = o.id
                  WHERE m.user_id = u.id AND o.name = 'Past'
    ) AS lines WHERE u.name IN ('Ada', 'Ghost')";

/// Creates Ada with a legal hold, and Bob without one. Both are deleted, and both have expired rows in every table. Also two users with
/// addresses that were never verified, one of them with a legal hold.
async fn create_expired_users(app: &TestApp) {
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    let team = app.verified_person("Eve").await.create_organization("Engines").await;
    let team = team.rsplit('/').next().expect("an id");
    for person in [&ada, &bob] {
        insert(
            app,
            &format!(
                "INSERT INTO invitations (id, organization_id, email, role, token_hash, created_at, updated_at, expires_at)
                 SELECT gen_random_uuid(), '{team}', upper('{email}'), 'member', sha256('{email}'), $now, $now, $now;
                 INSERT INTO mail_suppressions (address, reason, since) VALUES (lower('{email}'), 'bounce', $now);
                 INSERT INTO artifacts (id, organization_id, name, media_type, byte_size, sha256, status, created_by, progressed_at,
                                        created_at, updated_at, deleted_at)
                 SELECT gen_random_uuid(), '{team}', 'deleted', 'text/plain', 1, sha256('{email}'), 'expired', '{id}', $now, $now, $now,
                        $now;
                 INSERT INTO conversations (id, organization_id, created_by, model, created_at, updated_at, last_message_at)
                 SELECT gen_random_uuid(), '{team}', '{id}', 'm', $now, $now, $now",
                email = person.email,
                id = person.id,
            ),
        )
        .await;
        app.client().post("/v1/auth/forgot-password", json!({ "email": person.email })).await.ok(202);
        let past = person.create_organization("Past").await;
        person.client.delete(&past).await.ok(200);
        grace.client.get(&format!("/v1/users/{}/export", person.id)).await.ok(200);
        grace.client.delete(&format!("/v1/users/{}", person.id)).await.ok(204);
        // The deletion of the account ends those that had begun.
        insert(
            app,
            &format!(
                "INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
                 VALUES (gen_random_uuid(), '{id}', sha256('{id}'), 'password', $now, $now);
                 INSERT INTO oauth_flows (id, provider, purpose, user_id, state_hash, created_at, expires_at)
                 VALUES (gen_random_uuid(), 'acme', 'link', '{id}', sha256('{id}'), $now, $now);
                 INSERT INTO passkey_ceremonies (id, purpose, user_id, token_hash, sealed, created_at, expires_at)
                 VALUES (gen_random_uuid(), 'add', '{id}', sha256('{id}'), '', $now, $now)",
                id = person.id,
            ),
        )
        .await;
    }
    let squatter = app.person("Ghost").await;
    app.person("Squatter").await;
    let hold = json!({ "reason": "case 12/34" });
    for held in [&ada, &squatter] {
        grace.client.post(&format!("/v1/users/{}/legal-hold", held.id), hold.clone()).await.ok(200);
    }
    // Not at the moment at which the accounts were deleted: with them it would be restored.
    app.database
        .execute("UPDATE organizations SET deleted_at = deleted_at - interval '1 s' WHERE name = 'Past'")
        .await;
    app.clock.advance(chrono::TimeDelta::days(400));
}

#[tokio::test]
async fn legal_hold_keeps_all_rows_and_is_reported() {
    let app = TestApp::new().await;
    create_expired_users(&app).await;
    let rows = text(&app, ADAS_ROWS).await;
    let lines = rows.lines().count() as u64;
    assert!(lines >= 8, "{rows}");

    let rehearsed = dry_run(&app).await;
    let report = clean(&app).await;

    assert_eq!(text(&app, ADAS_ROWS).await, rows);
    assert_eq!(rehearsed.tables, report.tables);
    let held: u64 = report.tables.iter().map(|cleaned| cleaned.held).sum();
    assert_eq!(held, lines, "{report:?}");
    assert_eq!(counts(&report, "users"), (1, 1));
    for cleaned in report.tables.iter().filter(|cleaned| cleaned.table != "idempotency_records") {
        assert!(cleaned.held > 0 && cleaned.removed > 0, "{cleaned:?}");
        assert_eq!(cleaned.held_because, Some("legal hold"));
    }
    assert!(report.complete, "held rows are not unfinished work");
    let others = "SELECT count(*)::text FROM audit_events WHERE action <> 'user.erased' AND action NOT LIKE 'organization.%'
                  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.name IN ('Ada', 'Ghost') AND u.id IN (actor_id, target_id))
                  AND occurred_at < (SELECT max(occurred_at) FROM audit_events)";
    assert_eq!(text(&app, others).await, "0", "rows without a hold are deleted");
    assert_eq!(total(&clean(&app).await), 0);
}

#[tokio::test]
async fn next_run_deletes_the_rows_of_a_lifted_hold() {
    let app = TestApp::new().await;
    create_expired_users(&app).await;
    let held: u64 = clean(&app).await.tables.iter().map(|cleaned| cleaned.held).sum();
    app.database.execute("UPDATE users SET legal_hold_at = NULL, legal_hold_reason = NULL").await;
    let report = clean(&app).await;
    assert_eq!(total(&report), held);
    assert!(report.tables.iter().all(|cleaned| cleaned.held == 0 && cleaned.held_because.is_none()));
}
