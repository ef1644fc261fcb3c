use std::{collections::BTreeSet, time::Duration};

use harness::TestApp;
use retention::{RESERVE, Request, run};
use shared::{domain::personal_data::TABLES, lambda::job::Deadline};
use tokio::time::timeout;

use super::{clean, counts, dry_run, insert, job, state, text, total};

#[tokio::test]
async fn every_table_with_a_retention_period_is_cleaned() {
    let app = TestApp::new().await;
    let registered = TABLES.iter().filter(|table| table.retention.period().is_some());
    // Accounts without a verified address are in the same table as deleted ones, and counted by themselves.
    let registered: BTreeSet<_> =
        registered.map(|table| table.name).chain(["never_verified_users"]).collect();
    let cleaned = dry_run(&app).await.tables.into_iter().map(|cleaned| cleaned.table).collect();
    assert_eq!(registered, cleaned);
}

#[tokio::test]
async fn nothing_is_started_at_the_deadline_and_the_next_run_does_it() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    insert(&app, &super::load::ended_sessions(12_000, "91 days")).await;
    let before = app.database.checksums().await;
    for (left, dry_run) in [(Duration::ZERO, false), (RESERVE, false), (RESERVE, true)] {
        let report =
            run(&state(&app), Request { dry_run, ..Request::default() }, &job(Deadline::after(left)))
                .await
                .expect("a report");
        assert!(!report.complete && report.tables.iter().all(|cleaned| !cleaned.complete));
        assert_eq!((total(&report), report.tables.len()), (0, 14));
    }
    assert_eq!(app.database.checksums().await, before);
    let report = clean(&app).await;
    assert_eq!((counts(&report, "sessions"), report.complete), ((12_000, 0), true));
}

#[tokio::test]
async fn stopped_run_has_done_whole_batches_and_the_next_run_continues() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    insert(&app, &super::load::ended_sessions(42_000, "91 days")).await;
    let mut removed = 0;
    // Each run has time for some batches, or for none. Its work is kept.
    for milliseconds in [5, 10, 20, 40] {
        let deadline = Deadline::after(RESERVE + Duration::from_millis(milliseconds));
        let report = run(&state(&app), Request::default(), &job(deadline)).await.expect("a report");
        let (now, _) = counts(&report, "sessions");
        assert!(now.is_multiple_of(5_000) || report.tables[0].complete, "{report:?}");
        removed += now;
        let left = text(&app, "SELECT count(*)::text FROM sessions WHERE user_agent = 'ended'").await;
        assert_eq!(left, (42_000 - removed).to_string());
    }
    let last = clean(&app).await;
    assert_eq!(removed + counts(&last, "sessions").0, 42_000);
    assert!(last.complete);
}

#[tokio::test]
async fn rows_that_another_transaction_changes_are_left_for_the_next_run() {
    let app = TestApp::new().await;
    app.person("Ada").await;
    insert(&app, &super::load::ended_sessions(20, "91 days")).await;
    let mut other = app.database.pool().begin().await.expect("a transaction");
    let lock = "SELECT 1 FROM sessions WHERE user_agent = 'ended' LIMIT 1 FOR UPDATE";
    sqlx::query(lock).execute(&mut *other).await.expect("a lock");
    let report = timeout(Duration::from_secs(20), clean(&app)).await.expect("it does not wait");
    assert_eq!((counts(&report, "sessions"), report.complete), ((19, 0), true));
    other.rollback().await.expect("a rollback");
    assert_eq!(counts(&clean(&app).await, "sessions"), (1, 0));
}
