//! The sweeper of `retention` ends answers of language models that have stopped, and removes deleted conversations.

use retention::Swept;

use super::{setup::Setup, sweeper::swept};

/// Inserts a conversation with a question, and an answer that is being written: its deadline is `seconds` from now, and 1,000 tokens are
/// reserved.
async fn insert_answer(setup: &Setup, seconds: i32) {
    setup
        .execute(&format!(
            "WITH c AS (
                 INSERT INTO conversations (id, organization_id, model, created_at, updated_at, last_message_at)
                 VALUES (uuidv7(), '{organization}', 'm', now(), now(), now())
                 RETURNING *
             ), q AS (
                 INSERT INTO messages (id, organization_id, conversation_id, role, status, content, created_at, finished_at)
                 SELECT uuidv7(), organization_id, id, 'user', 'complete', 'Question', now(), now() FROM c
             ), a AS (
                 INSERT INTO messages (id, organization_id, conversation_id, role, status, content, model, prompt_tokens,
                                       completion_tokens, usage_estimated, deadline_at, created_at)
                 SELECT uuidv7(), organization_id, id, 'assistant', 'streaming', 'Answer', 'm', 20, 10, true,
                        now() + interval '{seconds} seconds', now()
                 FROM c
                 RETURNING *
             ), b AS (
                 INSERT INTO token_budgets AS b (organization_id, month, reserved)
                 VALUES ('{organization}', date_trunc('month', now() AT TIME ZONE 'UTC')::date, 1000)
                 ON CONFLICT (organization_id, month) DO UPDATE SET reserved = b.reserved + 1000
                 RETURNING *
             )
             INSERT INTO token_reservations (id, organization_id, month, tokens, expires_at)
             SELECT a.id, a.organization_id, b.month, 1000, now() - interval '1 minute' FROM a, b",
            organization = setup.organization,
        ))
        .await;
}

const BALANCE: &str = "SELECT concat_ws(' ', (SELECT used || ' ' || reserved FROM token_budgets), (SELECT count(*) FROM token_reservations),
                                        (SELECT sum(prompt_tokens + completion_tokens) FROM usage_days),
                                        (SELECT sum(estimated_tokens) FROM usage_days))";

#[tokio::test]
async fn answer_that_has_stopped_is_interrupted_and_its_tokens_are_settled() {
    let setup = Setup::new().await;
    insert_answer(&setup, -1).await;

    assert_eq!(swept(&setup).await, Swept { answers_interrupted: 1, complete: true, ..Swept::default() });

    let state =
        "SELECT status || ' ' || content || ' ' || usage_estimated FROM messages WHERE role = 'assistant'";
    assert_eq!(setup.text(state).await, "interrupted Answer true");
    // 20 and 10 that were counted, and the 683 that may have come since the answer was last stored. Although the reservation has
    // expired, it is not released before.
    assert_eq!(setup.text(BALANCE).await, "713 0 0 713 713");
    assert_eq!(swept(&setup).await, Swept { complete: true, ..Swept::default() });
    setup.check().await;
}

#[tokio::test]
async fn answer_before_its_deadline_is_left_alone() {
    let setup = Setup::new().await;
    insert_answer(&setup, 60).await;
    setup.execute("UPDATE token_reservations SET expires_at = now() + interval '1 minute'").await;
    assert_eq!(swept(&setup).await, Swept { complete: true, ..Swept::default() });
    assert_eq!(
        setup.text("SELECT string_agg(status, ' ' ORDER BY status) FROM messages").await,
        "complete streaming"
    );
    assert_eq!(setup.text(BALANCE).await, "0 1000 1");
}

#[tokio::test]
async fn deleted_conversation_is_removed_once_no_model_writes_in_it() {
    let setup = Setup::new().await;
    insert_answer(&setup, 60).await;
    insert_answer(&setup, -1).await;
    setup
        .execute(&format!(
            "INSERT INTO conversations (id, organization_id, model, created_at, updated_at, last_message_at)
             VALUES (uuidv7(), '{}', 'm', now(), now(), now())",
            setup.organization
        ))
        .await;
    setup.execute("UPDATE token_reservations SET expires_at = now() + interval '1 minute'").await;
    setup
        .execute(
            "UPDATE conversations SET deleted_at = now() WHERE id IN (SELECT conversation_id FROM messages)",
        )
        .await;

    let first = swept(&setup).await;

    assert_eq!((first.answers_interrupted, first.conversations_removed), (1, 1));
    assert_eq!(setup.count("SELECT count(*) FROM conversations").await, 2);
    setup
        .execute("UPDATE messages SET status = 'cancelled', finished_at = now() WHERE status = 'streaming'")
        .await;
    assert_eq!(swept(&setup).await.conversations_removed, 1);
    let left = "SELECT (SELECT count(*) FROM conversations) || ' ' || (SELECT count(*) FROM messages)";
    assert_eq!(setup.text(left).await, "1 0");
}
