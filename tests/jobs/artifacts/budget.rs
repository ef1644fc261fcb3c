//! The budget of tokens: what concurrent calls may use together.

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use shared::{
    db::{Db, Tx},
    domain::{
        ids::OrganizationId,
        usage::{Usage, UsageKind},
    },
    store::token_budgets::{cancel, release_expired, reserve, settle},
};
use uuid::Uuid;

use super::setup::{Setup, deliver, extracted};

/// For embeddings that use `tokens`.
fn usage(tokens: u64) -> Usage<'static> {
    Usage {
        kind: UsageKind::Embedding,
        model: "m",
        prompt_tokens: tokens,
        completion_tokens: 0,
        cost_micros: 0,
        estimated: false,
    }
}

async fn organization(app: &TestApp) -> OrganizationId {
    let id = OrganizationId::new();
    sqlx::query("INSERT INTO organizations (id, name, slug, created_at, updated_at) VALUES ($1, 'Org', 'o-' || $1::text, now(), now())")
        .bind(id.0)
        .execute(app.database.pool())
        .await
        .expect("an organization");
    id
}

/// Reserves 10 tokens of a limit of 35.
async fn reserve_ten(db: &Db, organization: OrganizationId, id: Uuid) -> bool {
    let reserve = async |tx: &mut Tx| {
        let expires_at = tx.now() + TimeDelta::minutes(1);
        anyhow::Ok(reserve(tx, organization, id, 10, 35, expires_at).await?)
    };
    db.transaction_as(reserve).await.expect("an answer")
}

/// Returns used and reserved tokens, those of the reservations, and those of the days.
async fn balance(app: &TestApp, organization: OrganizationId) -> String {
    let query = "SELECT concat_ws(' ', (SELECT sum(used) || ' ' || sum(reserved) FROM token_budgets WHERE organization_id = $1),
                                       (SELECT coalesce(sum(tokens), 0) FROM token_reservations WHERE organization_id = $1),
                                       (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM usage_days WHERE organization_id = $1))";
    sqlx::query_scalar(query).bind(organization.0).fetch_one(app.database.pool()).await.expect("a balance")
}

#[tokio::test]
async fn sixteen_at_once_get_a_budget_for_three() {
    let app = TestApp::new().await;
    let (organization, other) = (organization(&app).await, organization(&app).await);
    let db = &app.state.app.db;
    assert!(reserve_ten(db, other, Uuid::now_v7()).await);
    let ids: Vec<_> = (0..16).map(|_| Uuid::now_v7()).collect();
    let reserved = join_all(ids.iter().map(|id| reserve_ten(db, organization, *id))).await;
    assert_eq!(reserved.iter().filter(|reserved| **reserved).count(), 3);
    assert_eq!(balance(&app, organization).await, "0 30 30 0");

    // One used less than reserved, one more, one nothing.
    let mut granted = ids.iter().zip(&reserved).filter(|(_, reserved)| **reserved).map(|(id, _)| *id);
    let mut next = || granted.next().expect("a reservation");
    let (less, more, none) = (next(), next(), next());
    for (id, tokens) in [(less, 4), (more, 15)] {
        let settle = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, id, &usage(tokens)).await?);
        db.transaction_as(settle).await.expect("settled");
    }
    assert_eq!(balance(&app, organization).await, "19 10 10 19");
    assert!(!reserve_ten(db, organization, Uuid::now_v7()).await, "19 + 10 + 10 > 35");
    let cancel = async |tx: &mut Tx| anyhow::Ok(cancel(tx, organization, none).await?);
    db.transaction_as(cancel).await.expect("cancelled");
    assert_eq!(balance(&app, organization).await, "19 0 0 19");
    assert!(reserve_ten(db, organization, Uuid::now_v7()).await);
    assert_eq!(balance(&app, other).await, "0 10 10 0");
}

#[tokio::test]
async fn reservation_of_another_organization_is_not_ended() {
    let app = TestApp::new().await;
    let (organization, other) = (organization(&app).await, organization(&app).await);
    let (db, id) = (&app.state.app.db, Uuid::now_v7());
    assert!(reserve_ten(db, organization, id).await);
    let foreign = async |tx: &mut Tx| anyhow::Ok(cancel(tx, other, id).await?);
    db.transaction_as(foreign).await.expect("nothing is ended");
    assert_eq!(balance(&app, organization).await, "0 10 10 0");
    assert_eq!(balance(&app, other).await, "0 0 0 0");
}

#[tokio::test]
async fn expired_reservations_are_released_and_their_late_use_counts() {
    let app = TestApp::new().await;
    let organization = organization(&app).await;
    let (db, ids) = (&app.state.app.db, [(); 3].map(|()| Uuid::now_v7()));
    for id in ids {
        assert!(reserve_ten(db, organization, id).await);
    }
    assert!(!reserve_ten(db, organization, Uuid::now_v7()).await);
    app.clock.advance(TimeDelta::seconds(61));
    let release = async |tx: &mut Tx| anyhow::Ok(release_expired(tx, None).await?);
    let released = join_all((0..4).map(|_| db.transaction_as(release))).await;
    assert_eq!(released.into_iter().map(|count| count.expect("a count")).sum::<i64>(), 3, "each once");
    assert_eq!(balance(&app, organization).await, "0 0 0 0");
    let late = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, ids[0], &usage(7)).await?);
    db.transaction_as(late).await.expect("settled");
    assert_eq!(balance(&app, organization).await, "7 0 0 7");
    for id in [(); 2].map(|()| Uuid::now_v7()) {
        assert!(reserve_ten(db, organization, id).await);
    }
    app.clock.advance(TimeDelta::seconds(61));
    assert!(reserve_ten(db, organization, Uuid::now_v7()).await, "a request releases what stands in its way");
    assert_eq!(balance(&app, organization).await, "7 10 10 7");
}

#[tokio::test]
async fn artifact_without_budget_fails_and_continues_when_there_is_one() {
    let setup = Setup::with(harness::model::Model::default(), &[("DEFAULT_PLAN", "free")]).await;
    let (function, upload) = (setup.index().await, setup.extracted(70).await);
    let organization = setup.organization;
    setup
        .execute(&format!("INSERT INTO token_budgets (organization_id, month, used) VALUES ('{organization}', date_trunc('month', now() AT TIME ZONE 'UTC'), 199999)"))
        .await;
    assert!(deliver(&function, &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "failed/budget-used-up", "{:#?}", function.log());
    assert_eq!(setup.model.seen().await.requests, 0);
    setup.check().await;
    setup.execute("UPDATE token_budgets SET used = 0").await;
    setup.execute("UPDATE artifacts SET status = 'processing', stage = 'indexing', failure = NULL").await;
    assert!(deliver(&function, &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "ready");
    assert_eq!(setup.paid().await, setup.model.seen().await.tokens);
    setup.check().await;
}
