//! What another member, or another organization, has.

use chrono::TimeDelta;
use harness::{Client, TestApp};
use serde_json::{Value, json};
use shared::{
    config::Prices,
    db::Tx,
    domain::{
        conversation::{MessageStatus, Retrieval},
        ids::{ArtifactId, ConversationId, MessageId, OrganizationId},
        page::PageQuery,
    },
    store::{
        conversations, message_sources,
        messages::{self, Finished, NewAnswer, RequestKey},
        organizations,
        token_budgets::{self, Budget},
        usage_days,
    },
};

use super::{MODEL, Started, add_source, ask, begin, create, create_artifact, flush, ids, principal, uuid};

#[tokio::test]
async fn conversation_of_another_member_does_not_exist_for_anyone() {
    let app = TestApp::new().await;
    let (ada, bob, cy) =
        (app.verified_person("Ada").await, app.verified_person("Bob").await, app.verified_person("Cy").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    ada.add(&team, &cy, "admin").await;
    let path = create(&bob, &team, json!({ "title": "Hidden" })).await;
    let answer = ask(&app, &bob, &path).await;
    let key = app.client().token(&ada.create_key(&team, &["chat:write"]).await.secret);
    let root = app.administrator("Root").await;
    ada.add(&team, &app.verified_person("Other").await, "owner").await;
    let before = app.database.checksums().await;

    let refuse = async |client: &Client<'_>, code: &str| {
        client.get(&path).await.refused(404, code);
        client.patch(&path, json!({ "title": "Mine" })).await.refused(404, code);
        client.delete(&path).await.refused(404, code);
        client.get(&format!("{path}/messages")).await.refused(404, code);
        client.get(&format!("{path}/messages/{answer}")).await.refused(404, code);
        client.post_nothing(&format!("{path}/messages/{answer}/cancel")).await.refused(404, code);
    };
    for client in [&ada.client, &cy.client, &key] {
        refuse(client, "conversation-not-found").await;
        for sort in ["createdAt", "-createdAt"] {
            let list = client.get(&format!("{team}/conversations?sort={sort}")).await.ok(200);
            assert!(!list.body.to_string().contains("Hidden"), "{list:?}");
        }
    }
    refuse(&root.client, "organization-not-found").await;
    assert_eq!(app.database.checksums().await, before);

    // The caller's own conversation does not lead to the messages of others.
    let own = create(&ada, &team, json!({})).await;
    let mixed = format!("{own}/messages/{answer}");
    ada.client.get(&mixed).await.refused(404, "message-not-found");
    ada.client.post_nothing(&format!("{mixed}/cancel")).await.refused(404, "message-not-found");
    bob.client.get(&path).await.ok(200);
}

#[tokio::test]
async fn former_member_loses_conversations_and_finds_them_again_as_a_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let path = create(&bob, &team, json!({})).await;
    ada.client.delete(&format!("{team}/members/{}", bob.id)).await.ok(204);
    bob.client.get(&path).await.refused(404, "organization-not-found");
    ada.add(&team, &bob, "member").await;
    bob.client.get(&path).await.ok(200);
}

#[tokio::test]
async fn statement_neither_finds_nor_changes_what_another_organization_has() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let path = create(&ada, &there, json!({ "title": "Hidden" })).await;
    let own = create(&ada, &here, json!({})).await;
    let answer = ask(&app, &ada, &path).await;
    let artifact = ArtifactId(uuid(&create_artifact(&ada, &there, "Hidden").await));
    add_source(&app, &path, answer, artifact.0, "Hidden").await;
    app.database
        .execute("INSERT INTO usage_days (organization_id, day, kind, model) SELECT id, '2026-01-02', 'chat', 'm' FROM organizations WHERE name = 'There'")
        .await;
    let (here, (_, own), (_, foreign)) = (OrganizationId(uuid(&here)), ids(&own), ids(&path));
    let owner = principal(&ada);
    let finished = Finished {
        status: MessageStatus::Complete,
        text: "Mine",
        failure: None,
        prompt_tokens: 1,
        completion_tokens: 1,
        estimated: false,
        citations: &[],
    };
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        // The order of locks asks for it.
        assert!(organizations::lock(tx, here).await?.is_some());
        let page = PageQuery::longest(None);
        let oldest: PageQuery = serde_json::from_value(json!({ "sort": "createdAt" })).expect("a query");
        assert_eq!(conversations::list(tx, here, &owner, &page).await?.len(), 1);
        assert!(conversations::find_own(tx, here, foreign, &owner).await?.is_none());
        assert!(conversations::lock_own(tx, here, foreign, &owner).await?.is_none());
        let title = (true, Some("Mine"));
        assert!(conversations::update(tx, here, foreign, title, None, None).await?.is_none());
        assert!(!conversations::delete(tx, here, foreign, None).await?);
        for conversation in [own, foreign] {
            assert!(messages::list(tx, here, conversation, &page).await?.is_empty());
            assert!(messages::list(tx, here, conversation, &oldest).await?.is_empty());
            assert!(messages::recent(tx, here, conversation, 10).await?.is_empty());
            assert!(messages::find(tx, here, conversation, answer).await?.is_none());
            assert!(messages::question_of(tx, here, conversation, answer).await?.is_none());
            assert!(!messages::cancel(tx, here, conversation, answer).await?);
            messages::delete_all(tx, here, conversation).await?;
        }
        assert!(messages::flush(tx, here, answer, "Mine").await?.cancel_requested);
        assert!(!messages::finish(tx, here, answer, &finished).await?);
        message_sources::insert(tx, here, answer, Retrieval::None, &[]).await?;
        message_sources::remove_quotes(tx, here, artifact).await?;
        assert_eq!(messages::count_streaming(tx, here).await?, 0);
        assert_eq!(token_budgets::find(tx, here).await?, Budget::default());
        let day = tx.now().date_naive();
        assert!(usage_days::list(tx, here, day, day).await?.is_empty());
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);
}

/// A question in a conversation of another organization, with a key or without.
fn question<'a>(
    tx: &Tx,
    organization: OrganizationId,
    conversation: ConversationId,
    prices: &'a Prices,
    request_key: Option<&'a RequestKey>,
) -> NewAnswer<'a> {
    NewAnswer {
        organization,
        conversation,
        content: "Mine",
        model: MODEL,
        prompt_tokens: 1,
        prices,
        request_key,
        deadline: tx.now() + TimeDelta::minutes(1),
    }
}

#[tokio::test]
async fn question_in_a_conversation_of_another_organization_finds_and_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let (busy, quiet) = (create(&ada, &there, json!({})).await, create(&ada, &there, json!({})).await);
    let (own, beside) = (create(&ada, &here, json!({})).await, create(&ada, &here, json!({})).await);
    let (owner, key) = (principal(&ada), RequestKey { key: vec![1; 32], body: vec![2; 32] });
    assert!(matches!(begin(&app, &owner, &busy, Some(&key)).await, Started::New(_)));
    let (organization, own) = ids(&own);
    let (db, prices) = (&app.state.app.db, Prices::default());
    app.clock.advance(TimeDelta::seconds(30));

    // Only the database refuses: the callers have locked a conversation of the organization.
    for request_key in [None, Some(&key)] {
        let work = async |tx: &mut Tx| {
            conversations::lock_own(tx, organization, own, &owner).await?;
            let new = question(tx, organization, ids(&busy).1, &prices, request_key);
            Ok(messages::begin(tx, &new).await?.is_ok())
        };
        let error = db.transaction(work).await.expect_err("one answer at a time, and one for each key");
        assert!(format!("{error:?}").contains("duplicate key"), "{error:?}");
    }
    let work = async |tx: &mut Tx| {
        conversations::lock_own(tx, organization, own, &owner).await?;
        let new = question(tx, organization, ids(&quiet).1, &prices, None);
        Ok(messages::begin(tx, &new).await?.is_ok())
    };
    assert!(db.transaction(work).await.expect("inserted"));
    for path in [&quiet, &beside] {
        let conversation = ada.client.get(path).await.ok(200);
        assert_eq!(conversation.text("/data/lastMessageAt"), conversation.text("/data/createdAt"));
    }
}

#[tokio::test]
async fn statement_changes_one_of_the_answers_that_are_written_at_once() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (team, other) = (ada.create_organization("Engines").await, ada.create_organization("Other").await);
    let (path, beside) = (create(&ada, &team, json!({})).await, create(&ada, &team, json!({})).await);
    let (answer, second) = (ask(&app, &ada, &path).await, ask(&app, &ada, &beside).await);
    let foreign = ArtifactId(uuid(&create_artifact(&ada, &other, "Hidden").await));
    let (organization, conversation) = ids(&path);

    add_source(&app, &path, answer, foreign.0, "Hidden").await;
    flush(&app, &path, answer, "A first").await;
    let cancelled = async |tx: &mut Tx| {
        let question =
            messages::question_of(tx, organization, conversation, answer).await?.expect("a question");
        Ok(messages::cancel(tx, organization, conversation, question).await?)
    };
    assert!(!app.state.app.db.transaction(cancelled).await.expect("an answer of the store"));

    let message = async |path: &str, id: MessageId| {
        let message = ada.client.get(&format!("{path}/messages/{id}")).await.ok(200);
        let message = &message.body["data"];
        ["content", "retrieval", "sources", "cancelRequestedAt"].map(|name| message[name].clone())
    };
    assert_eq!(message(&path, answer).await, [json!("A first"), json!("hybrid"), json!([]), Value::Null]);
    assert_eq!(message(&beside, second).await, [json!(""), Value::Null, json!([]), Value::Null]);
}
