use futures_util::future::{join, join_all};
use harness::{Answer, Person};
use serde_json::json;

use super::{CONCURRENT, assert_one_succeeded, concurrent_app};

#[tokio::test]
async fn sixteen_concurrent_acceptances_join_once() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    for round in 0..5 {
        let path = ada.create_organization("Engines").await;
        let token = ada.invite(&path, &bob.email, "member").await.token;

        let answers = join_all((0..CONCURRENT).map(|_| bob.accept(&token))).await;

        assert_one_succeeded(&answers, 200, (422, "invalid-token"));
        let members = ada.client.get(&format!("{path}/members")).await.ok(200);
        assert_eq!(members.body["data"].as_array().map(Vec::len), Some(2), "round {round}");
    }
}

#[tokio::test]
async fn stolen_invitation_admits_only_its_recipient() {
    let app = concurrent_app().await;
    let (ada, bob, eve) = (app.person("Ada").await, app.person("Bob").await, app.person("Eve").await);
    bob.verify_address().await;
    eve.verify_address().await;
    for _ in 0..5 {
        let path = ada.create_organization("Engines").await;
        let token = ada.invite(&path, &bob.email, "owner").await.token;

        let everyone: Vec<&Person> = (0..CONCURRENT).map(|n| if n % 2 == 0 { &eve } else { &bob }).collect();
        let answers = join_all(everyone.iter().map(|person| person.accept(&token))).await;

        let (eves, bobs): (Vec<_>, Vec<_>) = answers.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
        for (_, answer) in eves {
            let heard = (answer.status.as_u16(), answer.problem());
            assert!([(403, "wrong-address"), (422, "invalid-token")].contains(&heard), "{answer:?}");
        }
        let bobs: Vec<Answer> = bobs.into_iter().map(|(_, answer)| answer).collect();
        assert_one_succeeded(&bobs, 200, (422, "invalid-token"));
        eve.client.get(&path).await.refused(404, "organization-not-found");
        bob.client.get(&path).await.ok(200);
    }
}

#[tokio::test]
async fn invitation_is_either_accepted_declined_or_revoked() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    for _ in 0..10 {
        let path = ada.create_organization("Engines").await;
        let invitation = ada.invite(&path, &bob.email, "member").await;
        let (token, one) =
            (json!({ "token": invitation.token }), format!("{path}/invitations/{}", invitation.id));

        let (accepted, (declined, revoked)) = join(
            bob.accept(&invitation.token),
            join(bob.client.post("/v1/invitations/decline", token), ada.client.delete(&one)),
        )
        .await;

        let won = [&accepted, &declined, &revoked].iter().filter(|one| one.status.is_success()).count();
        assert_eq!(won, 1, "{accepted:?} {declined:?} {revoked:?}");
        let status = ada.client.get(&one).await.ok(200);
        let expected = if accepted.status.is_success() {
            "accepted"
        } else if declined.status.is_success() {
            "declined"
        } else {
            "revoked"
        };
        assert_eq!(status.text("/data/status"), expected);
        let joined = bob.client.get(&path).await.status == 200;
        assert_eq!(joined, accepted.status.is_success());
    }
}

#[tokio::test]
async fn concurrent_invitations_of_one_address_create_one() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    bob.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "admin").await;
    let mails = app.mails().len();
    for round in 0..10 {
        let invite = async |person: &Person<'_>, address: String| {
            let body = json!({ "email": address, "role": "member" });
            person.client.post(&format!("{path}/invitations"), body).await
        };
        let (first, second) = join(
            invite(&ada, format!("cy{round}@example.com")),
            invite(&bob, format!("CY{round}@example.com")),
        )
        .await;
        assert_one_succeeded(&[first, second], 201, (409, "already-invited"));
    }
    assert_eq!(app.mails().len(), mails + 10);
}
