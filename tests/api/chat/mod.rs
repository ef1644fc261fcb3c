//! Conversations with language models, and what they used.

mod answers;
mod conversations;
mod erasure;
mod foreign;
mod messages;
mod usage;

use chrono::TimeDelta;
use harness::{Database, Person, TestApp, environment, events::rest, runtime_api::Function};
use serde_json::{Value, json};
use shared::{
    config::{Price, Prices},
    db::Tx,
    domain::{
        actor::Principal,
        conversation::{MessageStatus, Retrieval},
        ids::{ApiKeyId, ArtifactId, ChunkId, ConversationId, MessageId, OrganizationId, SessionId, UserId},
        usage::{Usage, UsageKind},
    },
    store::{
        conversations as rows, message_sources,
        messages::{self as store, Begun, Finished, NewAnswer, RequestKey},
        token_budgets::{self, Reserved},
    },
};
use uuid::Uuid;

/// The default of `CHAT_MODELS`.
const MODEL: &str = "gpt-4.1-mini";
/// The tokens that [`begin`] reserves.
const RESERVED: u64 = 1_000;

/// Creates a conversation in the organization at the path `team`. Returns its path.
async fn create(person: &Person<'_>, team: &str, body: Value) -> String {
    let made = person.client.post(&format!("{team}/conversations"), body).await.ok(201);
    format!("{team}/conversations/{}", made.id())
}

fn uuid(path: &str) -> Uuid {
    path.rsplit('/').next().expect("an id").parse().expect("a UUID")
}

fn principal(person: &Person<'_>) -> Principal {
    Principal::User { id: UserId(uuid(&person.id)), session: SessionId(uuid(&person.session)) }
}

/// Returns the organization and the conversation in a path.
fn ids(path: &str) -> (OrganizationId, ConversationId) {
    let (team, conversation) = path.split_once("/conversations/").expect("the path of a conversation");
    (OrganizationId(uuid(team)), ConversationId(uuid(conversation)))
}

/// What happens to a question.
#[derive(Debug, PartialEq, Eq)]
enum Started {
    New(MessageId),
    Again(MessageId, MessageStatus),
    Refused(store::Refusal),
}

/// Begins an answer in the conversation at `path`, as the function does that asks the model: it may take a minute, and [`RESERVED`] tokens.
async fn begin(app: &TestApp, owner: &Principal, path: &str, key: Option<&RequestKey>) -> Started {
    let ((organization, conversation), prices) = (ids(path), Prices::default());
    let work = async |tx: &mut Tx| {
        let locked = rows::lock_own(tx, organization, conversation, owner).await?;
        assert!(locked.is_some(), "the conversation exists");
        let new = NewAnswer {
            organization,
            conversation,
            content: "How long are backups kept?",
            model: MODEL,
            prompt_tokens: 20,
            prices: &prices,
            request_key: key,
            deadline: tx.now() + TimeDelta::minutes(1),
        };
        match store::begin(tx, &new).await? {
            Ok(Begun::New { answer, .. }) => {
                let expires_at = tx.now() + TimeDelta::minutes(10);
                let reserved =
                    token_budgets::reserve(tx, organization, answer.0, RESERVED, 1_000_000, expires_at);
                assert_eq!(reserved.await?, Reserved::Yes);
                Ok(Started::New(answer))
            }
            Ok(Begun::Again(message)) => Ok(Started::Again(message.id, message.status)),
            Err(refusal) => Ok(Started::Refused(refusal)),
        }
    };
    app.state.app.db.transaction(work).await.expect("an answer of the store")
}

/// [`begin`], for a question that is not refused.
async fn ask(app: &TestApp, person: &Person<'_>, path: &str) -> MessageId {
    match begin(app, &principal(person), path, None).await {
        Started::New(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// Stores what the model has written so far. Returns whether to stop.
async fn flush(app: &TestApp, path: &str, answer: MessageId, text: &str) -> bool {
    let (organization, _) = ids(path);
    let work = async |tx: &mut Tx| Ok(store::flush(tx, organization, answer, text).await?);
    app.state.app.db.transaction(work).await.expect("an answer of the store").cancel_requested
}

/// Gives the answer a source: a passage of the artifact.
async fn add_source(app: &TestApp, path: &str, answer: MessageId, artifact: Uuid, quote: &str) {
    let (organization, _) = ids(path);
    let source = message_sources::Source {
        n: 1,
        artifact_id: Some(ArtifactId(artifact)),
        chunk_id: ChunkId::new(),
        name: "Handbook.pdf".to_owned(),
        page: Some(3),
        quote: Some(quote.to_owned()),
    };
    let sources = [source];
    let work = async |tx: &mut Tx| {
        Ok(message_sources::insert(tx, organization, answer, Retrieval::Hybrid, &sources).await?)
    };
    app.state.app.db.transaction(work).await.expect("inserted");
}

/// Ends the answer, which used 30 tokens, and settles it. Returns whether it had not ended before.
async fn finish(app: &TestApp, path: &str, answer: MessageId, status: MessageStatus, text: &str) -> bool {
    let (organization, _) = ids(path);
    let finished = Finished {
        status,
        text,
        failure: None,
        prompt_tokens: 10,
        completion_tokens: 20,
        estimated: false,
        citations: &[],
    };
    let work = async |tx: &mut Tx| {
        let done = store::finish(tx, organization, answer, &finished).await?;
        if done {
            let usage = Usage {
                kind: UsageKind::Chat,
                model: MODEL,
                prompt_tokens: 10,
                completion_tokens: 20,
                price: Price::default(),
                estimated: false,
            };
            token_budgets::settle(tx, organization, answer.0, &usage).await?;
        }
        Ok(done)
    };
    app.state.app.db.transaction(work).await.expect("an answer of the store")
}

/// Returns used and reserved tokens, those of the reservations, those of the days, and the estimated ones of these.
async fn balance(app: &TestApp) -> String {
    let balance = "SELECT concat_ws(' ', (SELECT sum(used) || ' ' || sum(reserved) FROM token_budgets),
                                    (SELECT coalesce(sum(tokens), 0) FROM token_reservations),
                                    (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage_days),
                                    (SELECT coalesce(sum(estimated_tokens), 0) FROM usage_days))";
    app.database.value(balance).await
}

/// Creates an artifact in the organization at `team`. Returns its path.
async fn create_artifact(person: &Person<'_>, team: &str, text: &str) -> String {
    let body = json!({ "name": "Handbook.txt", "text": text });
    let made = person.client.post(&format!("{team}/artifacts"), body).await.ok(201);
    format!("{team}/artifacts/{}", made.id())
}

#[tokio::test]
async fn the_function_answers_the_events_of_the_gateway() {
    let database = Database::create().await;
    let function = Function::start("chat", environment(&database)).await;
    for path in ["conversations", "conversations/01890a5d-0b3c-7def-8123-456789abcdef/messages", "usage"] {
        let path = format!("/v1/organizations/01890a5d-0b3c-7def-8123-456789abcdef/{path}");
        let event = rest("GET", &path, &json!({}), None, "203.0.113.7");
        let answer = function.invoke(event).await.expect("an answer");
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
}

#[tokio::test]
async fn an_api_key_has_its_own_conversations() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let key = async |scope: &str| ada.create_key(&team, &[scope]).await;
    let (stranger, first, second) =
        (key("artifacts:write").await, key("chat:write").await, key("chat:write").await);
    let client = |secret: &str| app.client().token(secret);
    let list = format!("{team}/conversations");
    client(&stranger.secret).get(&list).await.refused(403, "scope-needed");
    client(&stranger.secret).post(&list, json!({})).await.refused(403, "scope-needed");

    let made = client(&first.secret).post(&list, json!({ "title": "Of the key" })).await.ok(201);
    let path = format!("{list}/{}", made.id());
    let owner = Principal::ApiKey(ApiKeyId(uuid(&first.id)));
    assert!(matches!(begin(&app, &owner, &path, None).await, Started::New(_)));

    client(&first.secret).get(&format!("{path}/messages")).await.ok(200);
    for other in [&client(&second.secret), &ada.client] {
        other.get(&path).await.refused(404, "conversation-not-found");
        assert!(other.get(&list).await.ok(200).body["data"].as_array().expect("a list").is_empty());
    }
}
