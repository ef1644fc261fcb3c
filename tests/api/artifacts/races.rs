//! Sixteen requests at once.

use futures_util::future::join_all;
use harness::{Answer, TestApp};
use serde_json::{Value, json};

use super::{add_chunks, create, file, text, totals};

const CONCURRENT: u8 = 16;

async fn concurrent_app(settings: &[(&str, &str)]) -> TestApp {
    let mut all = vec![("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")];
    all.extend(settings);
    TestApp::with(&all).await
}

/// Returns how many answers have this status. All others are this refusal.
fn succeeded(answers: &[Answer], status: u16, (refused, problem): (u16, &str)) -> usize {
    let (done, others): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == status);
    for answer in others {
        answer.refused(refused, problem);
    }
    done.len()
}

#[tokio::test]
async fn sixteen_creations_at_a_limit_for_three_create_three() {
    let app = concurrent_app(&[("DEFAULT_PLAN", "free")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    create(&ada, &team, text("One")).await;
    app.database.execute("UPDATE organization_totals SET bytes = 1073741824 - 3 * 100").await;
    let artifacts = format!("{team}/artifacts");

    let answers = join_all((0..CONCURRENT).map(|n| ada.client.post(&artifacts, file(100, n)))).await;

    assert_eq!(succeeded(&answers, 201, (402, "plan-limit-reached")), 3);
    assert_eq!(totals(&app).await, "4 1073741824 0");
    let rows = "SELECT count(*) FROM artifacts";
    assert_eq!(app.database.value::<i64>(rows).await, 4);
}

#[tokio::test]
async fn the_same_content_sixteen_times_at_once_is_created_once() {
    let app = concurrent_app(&[]).await;
    let ada = app.person("Ada").await;
    let artifacts = format!("{}/artifacts", ada.create_organization("Engines").await);

    let answers = join_all((0..CONCURRENT).map(|_| ada.client.post(&artifacts, text("One")))).await;

    assert_eq!(succeeded(&answers, 201, (409, "same-content-exists")), 1);
    let made = answers.iter().find(|answer| answer.status == 201).expect("one").id().to_owned();
    let others = answers.iter().filter(|answer| answer.status == 409);
    assert!(others.into_iter().all(|answer| answer.body["artifactId"] == Value::String(made.clone())));
    assert_eq!(totals(&app).await, "1 3 0");
}

#[tokio::test]
async fn the_same_label_sixteen_times_at_once_is_created_once() {
    let app = concurrent_app(&[]).await;
    let ada = app.person("Ada").await;
    let labels = format!("{}/labels", ada.create_organization("Engines").await);
    let body = |n: u8| json!({ "name": if n.is_multiple_of(2) { "Drafts" } else { "DRAFTS" } });

    let answers = join_all((0..CONCURRENT).map(|n| ada.client.post(&labels, body(n)))).await;

    assert_eq!(succeeded(&answers, 201, (409, "label-exists")), 1);
}

#[tokio::test]
async fn sixteen_deletions_at_once_count_once() {
    let app = concurrent_app(&[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, text("One")).await;
    create(&ada, &team, text("Kept")).await;
    add_chunks(&app, &path, &["One", "Two"]).await;

    let answers = join_all((0..CONCURRENT).map(|_| ada.client.delete(&path))).await;

    assert_eq!(succeeded(&answers, 204, (404, "artifact-not-found")), 1);
    assert_eq!(totals(&app).await, "1 4 0");
}

#[tokio::test]
async fn sixteen_retries_at_once_begin_once() {
    let app = concurrent_app(&[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(1, 1)).await;
    super::set(&app, &path, "status = 'failed', failure = 'indexing-failed'").await;
    let retry = format!("{path}/retry");

    let answers = join_all((0..CONCURRENT).map(|_| ada.client.post_nothing(&retry))).await;

    assert_eq!(succeeded(&answers, 202, (409, "nothing-to-retry")), 1);
}
