//! The budget of tokens: what concurrent calls may use together.

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::TestApp;
use shared::{
    config::{Price, Prices},
    db::{Db, Tx},
    domain::{
        ids::OrganizationId,
        ingestion::IndexKind,
        usage::{Usage, UsageKind, month},
    },
    store::{
        self,
        token_budgets::{Reserved, cancel, release_expired, reserve, settle},
    },
};
use uuid::Uuid;

use super::setup::{Setup, deliver, extracted, message};

/// For embeddings that use `tokens`.
fn usage(tokens: u64) -> Usage<'static> {
    Usage {
        kind: UsageKind::Embedding,
        model: "m",
        prompt_tokens: tokens,
        completion_tokens: 0,
        price: Price::default(),
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
async fn reserve_ten(db: &Db, organization: OrganizationId, id: Uuid) -> Reserved {
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
    assert_eq!(reserve_ten(db, other, Uuid::now_v7()).await, Reserved::Yes);
    let ids: Vec<_> = (0..16).map(|_| Uuid::now_v7()).collect();
    let reserved = join_all(ids.iter().map(|id| reserve_ten(db, organization, *id))).await;
    assert_eq!(reserved.iter().filter(|reserved| **reserved == Reserved::Yes).count(), 3);
    assert!(!reserved.contains(&Reserved::UsedUp), "nothing is used yet");
    assert_eq!(balance(&app, organization).await, "0 30 30 0");

    // One used less than reserved, one more, one nothing.
    let mut granted =
        ids.iter().zip(&reserved).filter(|(_, reserved)| **reserved == Reserved::Yes).map(|(id, _)| *id);
    let mut next = || granted.next().expect("a reservation");
    let (less, more, none) = (next(), next(), next());
    for (id, tokens) in [(less, 4), (more, 15)] {
        let settle = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, id, &usage(tokens)).await?);
        db.transaction_as(settle).await.expect("settled");
    }
    assert_eq!(balance(&app, organization).await, "19 10 10 19");
    assert_eq!(reserve_ten(db, organization, Uuid::now_v7()).await, Reserved::Busy, "19 + 10 + 10 > 35");
    let cancel = async |tx: &mut Tx| anyhow::Ok(cancel(tx, organization, none).await?);
    db.transaction_as(cancel).await.expect("cancelled");
    assert_eq!(balance(&app, organization).await, "19 0 0 19");
    assert_eq!(reserve_ten(db, organization, Uuid::now_v7()).await, Reserved::Yes);
    assert_eq!(balance(&app, other).await, "0 10 10 0");
}

#[tokio::test]
async fn reservation_of_another_organization_is_not_ended() {
    let app = TestApp::new().await;
    let (organization, other) = (organization(&app).await, organization(&app).await);
    let (db, id) = (&app.state.app.db, Uuid::now_v7());
    assert_eq!(reserve_ten(db, organization, id).await, Reserved::Yes);
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
        assert_eq!(reserve_ten(db, organization, id).await, Reserved::Yes);
    }
    assert_eq!(reserve_ten(db, organization, Uuid::now_v7()).await, Reserved::Busy);
    app.clock.advance(TimeDelta::seconds(61));
    let release = async |tx: &mut Tx| anyhow::Ok(release_expired(tx, None).await?);
    let released = join_all((0..4).map(|_| db.transaction_as(release))).await;
    assert_eq!(released.into_iter().map(|count| count.expect("a count")).sum::<i64>(), 3, "each once");
    assert_eq!(balance(&app, organization).await, "0 0 0 0");
    let late = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, ids[0], &usage(7)).await?);
    db.transaction_as(late).await.expect("settled");
    assert_eq!(balance(&app, organization).await, "7 0 0 7");
    for id in [(); 2].map(|()| Uuid::now_v7()) {
        assert_eq!(reserve_ten(db, organization, id).await, Reserved::Yes);
    }
    app.clock.advance(TimeDelta::seconds(61));
    let reserved = reserve_ten(db, organization, Uuid::now_v7()).await;
    assert_eq!(reserved, Reserved::Yes, "a request releases what stands in its way");
    assert_eq!(balance(&app, organization).await, "7 10 10 7");
    let used = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, ids[1], &usage(19)).await?);
    db.transaction_as(used).await.expect("settled");
    assert_eq!(reserve_ten(db, organization, Uuid::now_v7()).await, Reserved::UsedUp, "26 + 10 > 35");
}

#[tokio::test]
async fn call_that_ends_in_another_month_is_paid_in_the_month_of_its_reservation() {
    let app = TestApp::new().await;
    let organization = organization(&app).await;
    let (db, settled, released) = (&app.state.app.db, Uuid::now_v7(), Uuid::now_v7());
    // The clock of the tests shows 2026-01-02T03:04:05Z.
    app.clock.advance(TimeDelta::days(29) + TimeDelta::seconds(75_325));
    for id in [settled, released] {
        assert_eq!(reserve_ten(db, organization, id).await, Reserved::Yes);
    }
    app.clock.advance(TimeDelta::seconds(50));
    let settle = async |tx: &mut Tx| anyhow::Ok(settle(tx, organization, settled, &usage(7)).await?);
    db.transaction_as(settle).await.expect("settled");
    app.clock.advance(TimeDelta::seconds(50));
    let release = async |tx: &mut Tx| anyhow::Ok(release_expired(tx, None).await?);
    assert_eq!(db.transaction_as(release).await.expect("a count"), 1);
    let months =
        "SELECT string_agg(concat_ws(' ', month, used, reserved), '; ' ORDER BY month) FROM token_budgets";
    assert_eq!(app.database.value::<String>(months).await, "2026-01-01 7 0");
    let days = "SELECT concat_ws(' ', day, prompt_tokens) FROM usage_days";
    assert_eq!(
        app.database.value::<String>(days).await,
        "2026-01-31 7",
        "the days of a month have its tokens"
    );
    for _ in 0..3 {
        assert_eq!(reserve_ten(db, organization, Uuid::now_v7()).await, Reserved::Yes, "of a new month");
    }
    assert_eq!(app.database.value::<String>(months).await, "2026-01-01 7 0; 2026-02-01 0 30");
}

#[tokio::test]
async fn cost_of_a_day_is_that_of_its_tokens_without_losing_a_fraction() {
    let app = TestApp::new().await;
    let (organization, other) = (organization(&app).await, organization(&app).await);
    let db = &app.state.app.db;
    let add = async |organization: OrganizationId, tokens: u64, completion: u64, prices: &str| {
        let price = prices.parse::<Prices>().expect("prices").of("m");
        let usage = Usage { completion_tokens: completion, price, ..usage(tokens) };
        let add = async |tx: &mut Tx| {
            let month = month(tx.now());
            anyhow::Ok(store::usage_days::add(tx, organization, month, &usage).await?)
        };
        db.transaction_as(add).await.expect("added");
    };
    let cost = "SELECT string_agg(cost_micros::text, ' ' ORDER BY cost_micros) FROM usage_days";
    // 7 tokens at 0.02 for a million cost 0.14 millionths.
    for _ in 0..100 {
        add(organization, 7, 0, "m=0.02").await;
    }
    assert_eq!(app.database.value::<String>(cost).await, "14");
    // A new price is that of later tokens; another organization pays its own.
    add(organization, 1_000_000, 10, "m=0.03/0.5").await;
    assert_eq!(app.database.value::<String>(cost).await, "30019");
    add(other, 3, 0, "n=1").await;
    assert_eq!(app.database.value::<String>(cost).await, "0 30019");
    // More than a bigint holds in between.
    add(other, 4_000_000_000_000, 0, "m=999999").await;
    assert_eq!(app.database.value::<String>(cost).await, "30019 3999996000000000000");
}

#[tokio::test]
async fn artifact_waits_while_other_calls_have_reserved_what_is_left() {
    let setup = Setup::with(harness::model::Model::default(), &[("DEFAULT_PLAN", "free")]).await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    let organization = setup.organization;
    let reserved = format!(
        "INSERT INTO token_budgets (organization_id, month, reserved)
         VALUES ('{organization}', date_trunc('month', now() AT TIME ZONE 'UTC'), 199999);
         INSERT INTO token_reservations (id, organization_id, month, tokens, expires_at)
         SELECT gen_random_uuid(), organization_id, month, reserved, now() + interval '10 minutes' FROM token_budgets"
    );
    setup.execute(&reserved).await;
    assert!(deliver(&function, &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "processing/indexing");
    assert_eq!((setup.ingestion.messages("index").await, setup.model.seen().await.requests), (1, 0));
    setup.check().await;
    setup.execute("UPDATE token_budgets SET reserved = 0; DELETE FROM token_reservations").await;
    assert!(deliver(&function, &message(&upload, IndexKind::Continue)).await);
    assert_eq!(setup.state(&upload).await, "ready");
    setup.check().await;
}

#[tokio::test]
async fn embeddings_cost_what_the_prices_say() {
    let model = harness::model::Model::default();
    let prices = format!("other=9,{}=2.5", model.name());
    let setup = Setup::with(model, &[("MODEL_PRICES", &prices)]).await;
    let (function, upload) = (setup.index().await, setup.extracted(70).await);
    assert!(deliver(&function, &extracted(&upload)).await, "{:#?}", function.log());
    let tokens = setup.paid().await;
    let cost = setup.count("SELECT sum(cost_micros)::bigint FROM usage_days").await.unsigned_abs();
    assert!(tokens > 0);
    assert_eq!(cost, tokens * 5 / 2);
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
