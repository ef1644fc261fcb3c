use futures_util::future::join_all;
use harness::Answer;

use super::{CONCURRENT, assert_one_succeeded, concurrent_app, departure::while_deleting};

#[tokio::test]
async fn one_of_sixteen_restores_succeeds() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "owner").await;
    ada.client.delete(&path).await.ok(200);
    let restore = format!("{path}/restore");
    let owners = [&ada.client, &bob.client].into_iter().cycle().take(CONCURRENT);

    let answers: Vec<Answer> = join_all(owners.map(|owner| owner.post_nothing(&restore))).await;

    assert_one_succeeded(&answers, 200, (409, "organization-not-deleted"));
    let events = "SELECT count(*) FROM audit_events WHERE action = 'organization.restored'";
    assert_eq!(app.database.value::<i64>(events).await, 1);
    assert_eq!(ada.client.get(&path).await.ok(200).header("etag"), "\"3\"");
}

#[tokio::test]
async fn user_being_deleted_does_not_restore_an_organization() {
    let app = concurrent_app().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let path = bob.create_organization("Engines").await;
    bob.add(&path, &ada, "member").await;
    bob.client.delete(&path).await.ok(200);

    let (deleted, (restored, again)) = while_deleting(&app, &bob, async {
        let restored = bob.client.post_nothing(&format!("{path}/restore")).await;
        (restored, bob.client.get("/v1/organizations").await)
    })
    .await;

    super::owners::assert_no_orphans(&app).await;
    deleted.ok(204);
    restored.refused(401, "unauthenticated");
    again.refused(401, "unauthenticated");
    ada.client.get(&path).await.refused(404, "organization-not-found");
}
