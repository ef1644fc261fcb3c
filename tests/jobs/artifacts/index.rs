//! `index` makes extracted texts ready, whatever interrupts it.

use std::{process::Command, time::Duration};

use harness::{model::Model, runtime_api::Function};
use shared::domain::{
    ids::{ArtifactId, OrganizationId},
    ingestion::{IndexKind, Upload},
};

use super::setup::{Setup, deliver, event, extracted, failed, message};

async fn kill(mut function: Function) {
    let status = Command::new("kill").args(["-9", &function.pid().to_string()]).status().expect("kill");
    assert!(status.success());
    function.wait_for_exit().await;
}

#[tokio::test]
async fn text_becomes_ready_and_every_token_is_counted() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.artifact(None).await);
    setup.put_text(&upload, 150).await;
    assert!(deliver(&function, &message(&upload, IndexKind::Extracting)).await);
    assert_eq!(setup.state(&upload).await, "processing/extracting");
    assert!(deliver(&function, &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "ready", "{:#?}", function.log());
    setup.check().await;
    assert_eq!(setup.count("SELECT chunks FROM organization_totals").await, 150);
    let seen = setup.model.seen().await;
    assert_eq!((seen.requests, seen.inputs), (3, 150), "64 chunks in a call");
    assert_eq!(setup.paid().await, seen.tokens);
    let chunk = setup
        .text("SELECT ordinal || ' ' || page || ' ' || starts || ' ' || text FROM chunks WHERE ordinal = 1")
        .await;
    let first = format!("Passage 0 of {upload}.").chars().count();
    assert_eq!(chunk, format!("1 2 {} Passage 1 of {upload}.", first + 1));
    let event = "SELECT action || ' ' || (organization_id IS NOT NULL) || ' ' || (actor_id IS NULL) FROM audit_events WHERE target_id = ";
    let event = setup.text(&format!("{event}'{}'", upload.artifact_id)).await;
    assert_eq!(event, "artifact.ready true true");
}

#[tokio::test]
async fn terms_are_in_the_language_of_the_text() {
    let setup = Setup::new().await;
    let function = setup.index().await;
    let languages = [
        (
            "The committees were reviewing all of their annual reports and decided on the budgets for the next years.",
            "english",
            "'committe'",
        ),
        (
            "Die Versammlungen prüften die Berichte und beschlossen, dass die Haushalte im nächsten Jahr wachsen sollen.",
            "german",
            "'haushalt'",
        ),
        ("12.5; 13.7; 99 | 12", "simple", "'99'"),
    ];
    for (text, language, term) in languages {
        let upload = setup.artifact(Some("extracting")).await;
        setup.put_lines(&upload, &format!("{{\"text\": {text:?}}}\n")).await;
        assert!(deliver(&function, &extracted(&upload)).await);
        let query = "SELECT a.language || ' ' || c.terms::text FROM chunks c JOIN artifacts a ON a.id = c.artifact_id WHERE a.id = ";
        let found = setup.text(&format!("{query}'{}'", upload.artifact_id)).await;
        assert!(found.starts_with(language) && found.contains(term), "{found}");
    }
    let configurations: Vec<_> = shared::domain::language::configurations().map(str::to_owned).collect();
    let known = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pg_ts_config WHERE cfgname = ANY($1)")
        .bind(&configurations);
    let known = known.fetch_one(setup.database.pool()).await.expect("a count");
    assert_eq!(usize::try_from(known), Ok(configurations.len()));
}

#[tokio::test]
async fn two_deliveries_at_once_embed_once() {
    let setup = Setup::new().await;
    setup.model.delay(Duration::from_millis(300)).await;
    let upload = setup.extracted(100).await;
    let (one, other) = tokio::join!(setup.index(), setup.index());
    let body = extracted(&upload);
    let handled: (bool, bool) = tokio::join!(deliver(&one, &body), deliver(&other, &body));
    assert!(handled.0 != handled.1, "one works, the other is delivered again");
    assert_eq!(setup.state(&upload).await, "ready");
    assert!(deliver(&other, &body).await, "nothing is left to do");
    assert_eq!(setup.model.seen().await.inputs, 100);
    setup.check().await;
}

#[tokio::test]
async fn killed_between_batches_it_continues_and_pays_at_most_one_batch_again() {
    let setup = Setup::new().await;
    setup.model.delay(Duration::from_millis(400)).await;
    let (function, upload) = (setup.index().await, setup.extracted(200).await);
    let done = "SELECT chunks_done::bigint FROM artifacts";
    let body = extracted(&upload);
    tokio::select! {
        handled = deliver(&function, &body) => panic!("not killed in time: {handled}"),
        () = setup.wait_for(done, 64) => {}
    }
    kill(function).await;
    setup.check().await;
    setup.pass_leases().await;
    setup.model.recover().await;
    let function = setup.index().await;
    assert!(deliver(&function, &extracted(&upload)).await, "{:#?}", function.log());
    assert_eq!(setup.state(&upload).await, "ready");
    setup.check().await;
    let seen = setup.model.seen().await;
    assert!((200..=264).contains(&seen.inputs), "{seen:?}");
    let (tokens, paid) = (seen.tokens, setup.paid().await);
    assert!(paid <= tokens && tokens - paid <= tokens * 64 / seen.inputs + 64, "{paid} of {seen:?}");
}

#[tokio::test]
async fn killed_while_chunks_are_stored_it_stores_none_twice_and_none_is_missing() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(2_000).await);
    let body = extracted(&upload);
    tokio::select! {
        handled = deliver(&function, &body) => panic!("not killed in time: {handled}"),
        () = setup.wait_for("SELECT count(*) FROM chunks", 1) => {}
    }
    kill(function).await;
    setup.check().await;
    let stored = setup.count("SELECT count(*) FROM chunks").await;
    setup.pass_leases().await;
    let function = setup.index().await;
    assert!(deliver(&function, &message(&upload, IndexKind::Continue)).await, "{:#?}", function.log());
    assert_eq!(setup.state(&upload).await, "ready");
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 2_000, "{stored} were stored");
    setup.check().await;
}

#[tokio::test]
async fn near_the_deadline_it_sends_itself_the_rest() {
    let setup = Setup::with(Model::default(), &[("OPENAI_TIMEOUT", "5000")]).await;
    setup.model.delay(Duration::from_secs(1)).await;
    let (function, upload) = (setup.index().await, setup.extracted(300).await);
    let event = event("index", &extracted(&upload), 1);
    let answer = function.invoke_within(Duration::from_secs(16), event).await.expect("a response");
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(0), "{answer}");
    assert_eq!(setup.state(&upload).await, "processing/indexing");
    let done = setup.count("SELECT chunks_done::bigint FROM artifacts WHERE lease_until IS NULL").await;
    assert!((64..300).contains(&done), "{done}");
    let rest = setup.ingestion.receive("index", Duration::from_mins(1)).await.expect("a message to itself");
    assert_eq!(rest.event["Records"][0]["body"], message(&upload, IndexKind::Continue));
    setup.model.recover().await;
    let answer =
        function.invoke_within(Duration::from_mins(1), rest.event.clone()).await.expect("a response");
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(0), "{answer}");
    assert_eq!(setup.state(&upload).await, "ready");
    assert_eq!(setup.model.seen().await.inputs, 300);
    setup.check().await;
}

#[tokio::test]
async fn messages_of_another_upload_change_nothing_and_its_objects_are_deleted() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(1).await);
    setup.execute("UPDATE artifacts SET generation = 2, status = 'pending', stage = NULL").await;
    for kind in [
        IndexKind::Extracting,
        IndexKind::Extracted { characters: 1 },
        IndexKind::Continue,
        IndexKind::Missing,
    ] {
        assert!(deliver(&function, &message(&upload, kind)).await);
    }
    let failure = shared::domain::ingestion::FailureCode::NoText;
    assert!(deliver(&function, &failed(&upload, failure)).await);
    assert_eq!(setup.state(&upload).await, "pending");
    let next = Upload { generation: 3, ..upload };
    assert!(!deliver(&function, &extracted(&next)).await, "the upload may be committed later");
    assert_eq!(setup.state(&upload).await, "pending");
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 0);
    // A link of the old upload may have written them again after they were deleted. No total counts them.
    let due = setup.text("SELECT string_agg(key, ' ' ORDER BY key) FROM object_deletions").await;
    assert_eq!(due, format!("{} {}", upload.text_key(), upload.file_key()));
}

#[tokio::test]
async fn chunks_of_an_earlier_upload_are_replaced() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(130).await);
    assert!(deliver(&function, &extracted(&upload)).await);
    setup.execute("UPDATE artifacts SET generation = 2, status = 'pending', indexed_at = NULL").await;
    let next = Upload { generation: 2, ..upload };
    setup.put_text(&next, 70).await;
    assert!(deliver(&function, &extracted(&next)).await);
    assert_eq!(setup.state(&upload).await, "ready");
    assert_eq!(setup.count("SELECT chunks FROM organization_totals").await, 70);
    let old = format!("SELECT count(*) FROM chunks WHERE text LIKE '%{upload}%'");
    assert_eq!(setup.count(&old).await, 0);
    setup.check().await;
}

#[tokio::test]
async fn artifact_deleted_while_it_is_embedded_gets_no_vectors_and_its_tokens_are_paid() {
    let setup = Setup::new().await;
    setup.model.delay(Duration::from_secs(1)).await;
    let (function, upload) = (setup.index().await, setup.extracted(10).await);
    let delete = async {
        setup.wait_for("SELECT count(*) FROM token_reservations", 1).await;
        // As the API does.
        setup
            .execute(
                "BEGIN; UPDATE artifacts SET deleted_at = now(), status = 'expired', stage = NULL, lease_until = NULL;
                 DELETE FROM chunks; UPDATE organization_totals SET artifacts = 0, bytes = 0, chunks = 0; COMMIT",
            )
            .await;
    };
    let body = extracted(&upload);
    let (handled, ()) = tokio::join!(deliver(&function, &body), delete);
    assert!(handled, "{:#?}", function.log());
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 0);
    assert_eq!(setup.paid().await, setup.model.seen().await.tokens);
    setup.check().await;
    let due = setup.text("SELECT string_agg(key, ' ' ORDER BY key) FROM object_deletions").await;
    assert_eq!(due, format!("{} {}", upload.text_key(), upload.file_key()), "written after the deletion");
}

#[tokio::test]
async fn unknown_artifact_fails_its_message_and_that_of_another_organization_is_unknown() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    let other = OrganizationId::new();
    setup.insert_organization(other).await;
    let before = setup.database.checksums().await;
    for unknown in
        [Upload { artifact_id: ArtifactId::new(), ..upload }, Upload { organization_id: other, ..upload }]
    {
        setup.put_text(&unknown, 3).await;
        for kind in [
            IndexKind::Extracting,
            IndexKind::Extracted { characters: 1 },
            IndexKind::Continue,
            IndexKind::Missing,
        ] {
            assert!(!deliver(&function, &message(&unknown, kind)).await);
        }
    }
    assert_eq!(setup.database.checksums().await, before);
    assert!(!deliver(&function, "{}").await);
    assert!(!deliver(&function, "secret").await);
    assert!(!function.log().concat().contains("secret"));
}
