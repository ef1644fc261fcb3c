use futures_util::future::{join, join_all};
use harness::{Answer, TestApp};
use serde_json::json;

use super::{assert_one_succeeded, concurrent_app};

/// Organizations that have a member and no owner.
const ORPHANS: &str = "
    SELECT count(*) FROM organizations o
    WHERE deleted_at IS NULL
      AND EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
                  WHERE m.organization_id = o.id AND u.deleted_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
                      WHERE m.organization_id = o.id AND u.deleted_at IS NULL AND m.role = 'owner')";

pub async fn assert_no_orphans(app: &TestApp) {
    assert_eq!(app.database.value::<i64>(ORPHANS).await, 0);
}

#[tokio::test]
async fn one_of_two_owners_demoting_each_other_stays() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "owner").await;
    let (of_ada, of_bob) = (format!("{path}/members/{}", ada.id), format!("{path}/members/{}", bob.id));
    for round in 0..30 {
        let role = json!({ "role": (["member", "admin"][round % 2]) });

        let (by_ada, by_bob) =
            join(ada.client.patch(&of_bob, role.clone()), bob.client.patch(&of_ada, role)).await;

        let (winner, other, lost) =
            if by_ada.status == 200 { (&ada, &of_bob, &by_bob) } else { (&bob, &of_ada, &by_ada) };
        let codes = ["last-owner", "role-needed", "role-above-own"];
        assert!(
            [&by_ada, &by_bob].iter().filter(|answer| answer.status == 200).count() == 1,
            "{by_ada:?} {by_bob:?}"
        );
        assert!(codes.contains(&lost.problem()), "{lost:?}");
        assert_no_orphans(&app).await;
        winner.client.patch(other, json!({ "role": "owner" })).await.ok(200);
    }
}

#[tokio::test]
async fn one_of_two_leaving_owners_stays() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    for round in 0..10 {
        let path = ada.create_organization("Engines").await;
        ada.add(&path, &bob, "owner").await;
        let (of_ada, of_bob) = (format!("{path}/members/{}", ada.id), format!("{path}/members/{}", bob.id));

        let answers = join(ada.client.delete(&of_ada), bob.client.delete(&of_bob)).await;

        assert_one_succeeded(&<[Answer; 2]>::from(answers), 204, (409, "last-owner"));
        assert_eq!(app.database.value::<i64>(ORPHANS).await, 0, "round {round}");
    }
}

#[tokio::test]
async fn one_owner_stays_if_one_leaves_and_one_deletes_their_account() {
    let app = concurrent_app().await;
    let cy = app.person("Cy").await;
    cy.verify_address().await;
    join_all((0..6).map(async |_| {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        bob.verify_address().await;
        let path = ada.create_organization("Engines").await;
        ada.add(&path, &bob, "owner").await;
        ada.add(&path, &cy, "member").await;
        let of_ada = format!("{path}/members/{}", ada.id);

        let answers = join(ada.client.delete(&of_ada), bob.client.delete("/v1/auth/me")).await;

        let winner = assert_one_succeeded(&<[Answer; 2]>::from(answers), 204, (409, "last-owner"));
        let stays = if winner == 0 { &bob } else { &ada };
        assert_eq!(stays.client.get(&path).await.ok(200).id(), path.rsplit('/').next().expect("an id"));
    }))
    .await;
    assert_no_orphans(&app).await;
}

#[tokio::test]
async fn one_of_two_owners_deleting_their_accounts_stays() {
    let app = concurrent_app().await;
    let cy = app.person("Cy").await;
    cy.verify_address().await;
    join_all((0..6).map(async |_| {
        let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
        bob.verify_address().await;
        let path = ada.create_organization("Engines").await;
        ada.add(&path, &bob, "owner").await;
        ada.add(&path, &cy, "member").await;
        let answers = join(ada.client.delete("/v1/auth/me"), bob.client.delete("/v1/auth/me")).await;
        assert_one_succeeded(&<[Answer; 2]>::from(answers), 204, (409, "last-owner"));
    }))
    .await;
    assert_no_orphans(&app).await;
}
