//! Ready artifacts get vectors of another model.

use std::{process::Command, time::Duration};

use harness::{model::Model, runtime_api::Function};
use retention::{Request, Task, handle};
use shared::{
    domain::ingestion::{Reindex, ReindexMessage, Upload},
    lambda::job::{Deadline, Job},
};

use super::{
    setup::{Setup, deliver, deliver_from, extracted},
    sweeper::{state, take},
};

fn message(reindex: Reindex) -> String {
    serde_json::to_string(&ReindexMessage { reindex }).expect("a message")
}

fn all() -> String {
    message(Reindex::ALL)
}

/// Starts `index` with a next model.
async fn index_with(setup: &Setup, next: &Model) -> Function {
    let mut environment = setup.environment();
    environment.insert("EMBEDDING_NEXT_MODEL".to_owned(), next.name().to_owned());
    Function::start("index", environment).await
}

/// Creates ready artifacts, with so many chunks each.
async fn ready(setup: &Setup, sizes: &[usize]) -> Vec<Upload> {
    let (function, mut uploads) = (setup.index().await, Vec::new());
    for size in sizes {
        let upload = setup.extracted(*size).await;
        assert!(deliver(&function, &extracted(&upload)).await, "{:#?}", function.log());
        uploads.push(upload);
    }
    uploads
}

/// Returns the number of chunks with a vector of `model`.
async fn embedded(setup: &Setup, model: &Model) -> i64 {
    let query =
        "SELECT count(*) FROM chunk_vectors v JOIN embedding_spaces s ON s.id = v.space WHERE s.model = ";
    setup.count(&format!("{query}'{}'", model.name())).await
}

/// Returns the recorded tokens of `model`.
async fn paid(setup: &Setup, model: &Model) -> u64 {
    let query = "SELECT coalesce(sum(prompt_tokens), 0)::bigint FROM usage_days WHERE model = ";
    setup.count(&format!("{query}'{}'", model.name())).await.unsigned_abs()
}

#[tokio::test]
async fn ready_artifacts_get_vectors_of_the_next_model_and_keep_the_others() {
    let (setup, next) = (Setup::new().await, Model::default());
    ready(&setup, &[3, 70, 1]).await;
    let processing = setup.artifact(Some("indexing")).await;
    let rows = "SELECT string_agg(concat_ws(' ', id, status, stage, version, updated_at, progressed_at, lease_until, chunks_done), ';' ORDER BY id)
                FROM artifacts";
    let before = setup.text(rows).await;
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    let request = Request { task: Task::Reindex, ..Request::default() };
    handle(&state(&setup), request, &job).await.expect("sent");
    let body = take(&setup, "index").await;
    assert_eq!(body, all());

    let function = index_with(&setup, &next).await;
    assert!(deliver(&function, &body).await, "{:#?}", function.log());
    assert_eq!((embedded(&setup, &next).await, embedded(&setup, &setup.model).await), (74, 74));
    assert_eq!(setup.text(rows).await, before, "the artifacts have not changed");
    let seen = next.seen().await;
    assert_eq!((seen.inputs, seen.tokens), (74, paid(&setup, &next).await));
    function.log_line(|line| line.contains("reindexing finished") && line.contains("\"artifacts\":3")).await;
    assert_eq!(setup.ingestion.messages("index").await, 0);

    assert!(deliver(&function, &all()).await);
    assert_eq!(next.seen().await, seen, "nothing is paid twice");
    // After the change of EMBEDDING_MODEL nothing is left to do.
    let mut environment = setup.environment();
    environment.insert("EMBEDDING_MODEL".to_owned(), next.name().to_owned());
    environment.insert("EMBEDDING_DIMENSIONS".to_owned(), "768".to_owned());
    environment.insert("EMBEDDING_SEND_DIMENSIONS".to_owned(), "true".to_owned());
    let function = Function::start("index", environment).await;
    assert!(deliver(&function, &all()).await);
    assert_eq!(next.seen().await, seen, "the same space");
    assert_eq!(setup.state(&processing).await, "processing/indexing");
    setup.check().await;
}

#[tokio::test]
async fn model_that_was_changed_at_once_embeds_what_is_there() {
    let (setup, other) = (Setup::new().await, Model::default());
    ready(&setup, &[5]).await;
    let mut environment = setup.environment();
    environment.insert("EMBEDDING_MODEL".to_owned(), other.name().to_owned());
    let function = Function::start("index", environment).await;
    assert!(deliver(&function, &all()).await);
    assert_eq!((embedded(&setup, &other).await, embedded(&setup, &setup.model).await), (5, 5));
}

#[tokio::test]
async fn artifact_that_becomes_ready_gets_vectors_of_the_next_model_too() {
    let (setup, next) = (Setup::new().await, Model::default());
    let (function, upload) = (index_with(&setup, &next).await, setup.extracted(4).await);
    next.fail("500", Some(1)).await;
    assert!(deliver(&function, &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "ready", "without the next model");
    let body = take(&setup, "index").await;
    assert_eq!(body, message(Reindex::Artifact(upload)));
    // It waits for the model in a message of its own.
    assert!(deliver(&function, &body).await);
    assert_eq!((setup.ingestion.messages("index").await, embedded(&setup, &next).await), (1, 0));
    assert_eq!(setup.count("SELECT count(*) FROM artifacts WHERE lease_until IS NOT NULL").await, 0);
    assert!(deliver(&function, &body).await);
    assert_eq!(embedded(&setup, &next).await, 4);
    setup.check().await;
}

#[tokio::test]
async fn killed_while_it_reindexes_it_continues_and_pays_at_most_one_batch_again() {
    let (setup, next) = (Setup::new().await, Model::default());
    let upload = ready(&setup, &[200]).await[0];
    next.delay(Duration::from_millis(400)).await;
    let mut function = index_with(&setup, &next).await;
    let done =
        format!("SELECT count(*) - 200 FROM chunk_vectors WHERE artifact_id = '{}'", upload.artifact_id);
    let body = all();
    tokio::select! {
        handled = deliver(&function, &body) => panic!("not killed in time: {handled}"),
        () = setup.wait_for(&done, 64) => {}
    }
    let status = Command::new("kill").args(["-9", &function.pid().to_string()]).status().expect("kill");
    assert!(status.success());
    function.wait_for_exit().await;
    assert_eq!(setup.state(&upload).await, "ready");
    setup.pass_leases().await;
    next.recover().await;
    let function = index_with(&setup, &next).await;
    assert!(deliver(&function, &all()).await, "{:#?}", function.log());
    assert_eq!(embedded(&setup, &next).await, 200);
    let seen = next.seen().await;
    assert!((200..=264).contains(&seen.inputs), "{seen:?}");
    setup.check().await;
}

#[tokio::test]
async fn two_runs_at_once_pay_once() {
    let (setup, next) = (Setup::new().await, Model::default());
    ready(&setup, &[100]).await;
    next.delay(Duration::from_millis(300)).await;
    let (one, other) = tokio::join!(index_with(&setup, &next), index_with(&setup, &next));
    let body = all();
    let handled: (bool, bool) = tokio::join!(deliver(&one, &body), deliver(&other, &body));
    assert_eq!(handled, (true, true));
    assert_eq!((next.seen().await.inputs, embedded(&setup, &next).await), (100, 100));
    setup.check().await;
}

#[tokio::test]
async fn organization_without_tokens_is_skipped_and_does_not_stop_the_others() {
    let mut setup = Setup::with(Model::default(), &[("DEFAULT_PLAN", "free")]).await;
    let next = Model::default();
    let mut organizations = vec![setup.organization];
    ready(&setup, &[2, 2]).await;
    let other = shared::domain::ids::OrganizationId::new();
    setup.insert_organization(other).await;
    (setup.organization, organizations) = (other, [organizations, vec![other]].concat());
    ready(&setup, &[3]).await;
    let used_up =
        format!("UPDATE token_budgets SET used = 200000 WHERE organization_id = '{}'", organizations[0]);
    setup.execute(&used_up).await;
    let function = index_with(&setup, &next).await;
    assert!(deliver(&function, &all()).await, "{:#?}", function.log());
    function
        .log_line(|line| {
            line.contains("reindexing finished")
                && line.contains("\"artifacts\":1")
                && line.contains("\"skipped\":1")
        })
        .await;
    assert_eq!(embedded(&setup, &next).await, 3);
    setup.execute("UPDATE token_budgets SET used = 0").await;
    assert!(deliver(&function, &all()).await);
    assert_eq!(embedded(&setup, &next).await, 7);
}

#[tokio::test]
async fn run_waits_while_the_model_is_unavailable() {
    let (setup, next) = (Setup::new().await, Model::default());
    let first = ready(&setup, &[2, 2]).await[0];
    let function = index_with(&setup, &next).await;
    next.fail("500", Some(1)).await;
    assert!(deliver(&function, &all()).await, "its receives are not used up");
    assert_eq!(setup.ingestion.messages("index").await, 1);
    assert_eq!(embedded(&setup, &next).await, 0);
    setup.check().await;
    // As the message says that waits: after an artifact that is done.
    let rest =
        Reindex::All { after: Some((first.organization_id, first.artifact_id)), artifacts: 1, skipped: 0 };
    assert!(deliver(&function, &message(rest)).await);
    assert_eq!(embedded(&setup, &next).await, 2);
    assert!(deliver_from(&function, "index-dead-letters", &all()).await);
    function.log_line(|line| line.contains("reindexing stopped") && line.contains("WARN")).await;
}

#[tokio::test]
async fn artifact_deleted_while_it_is_reindexed_gets_no_vectors_and_its_tokens_are_paid() {
    let (setup, next) = (Setup::new().await, Model::default());
    ready(&setup, &[10]).await;
    next.delay(Duration::from_secs(1)).await;
    let function = index_with(&setup, &next).await;
    let delete = async {
        setup.wait_for("SELECT count(*) FROM token_reservations", 1).await;
        // As the API does.
        setup
            .execute(
                "BEGIN; UPDATE artifacts SET deleted_at = now(), status = 'expired', lease_until = NULL;
                 DELETE FROM chunks; UPDATE organization_totals SET artifacts = 0, bytes = 0, chunks = 0; COMMIT",
            )
            .await;
    };
    let body = all();
    let (handled, ()) = tokio::join!(deliver(&function, &body), delete);
    assert!(handled, "{:#?}", function.log());
    assert_eq!(setup.count("SELECT count(*) FROM chunk_vectors").await, 0);
    assert_eq!(paid(&setup, &next).await, next.seen().await.tokens);
    setup.check().await;
}
