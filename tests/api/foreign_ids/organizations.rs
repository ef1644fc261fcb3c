//! What belongs to an organization.

use chrono::TimeDelta;
use harness::{PASSWORD, TestApp};
use serde_json::json;
use shared::{
    db::Tx,
    domain::{
        ids::{ApiKeyId, InvitationId, OrganizationId, UserId},
        permission::Role,
    },
    store::{api_keys, idempotency_records, invitations, members, organizations},
};

use super::uuid;

#[tokio::test]
async fn statement_neither_finds_nor_changes_what_another_organization_has() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.verified_person("Zoe").await);
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let things = ada.create_everything(&there).await;
    ada.add(&there, &zoe, "member").await;
    let here = OrganizationId(uuid(&here));
    let (key, invitation) =
        (ApiKeyId(uuid(&things["apiKeyId"])), InvitationId(uuid(&things["invitationId"])));
    let zoe = UserId(uuid(&zoe.id));
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        // The order of locks asks for it.
        assert!(organizations::lock(tx, here).await?.is_some());
        assert!(api_keys::find(tx, here, key).await?.is_none());
        assert!(api_keys::update(tx, here, key, (Some("Mine"), None), None).await?.is_none());
        let now = tx.now();
        assert!(api_keys::rotate(tx, here, key, b"mine", now).await?.is_none());
        assert!(!api_keys::revoke(tx, here, key, None).await?);
        assert!(!api_keys::set_rate_limit(tx, here, key, Some(1)).await?);
        assert!(invitations::find(tx, here, invitation).await?.is_none());
        assert!(invitations::end(tx, here, invitation, invitations::Status::Revoked).await?.is_none());
        assert!(members::find(tx, here, zoe).await?.is_none());
        assert!(members::find_active(tx, here, zoe).await?.is_none());
        assert!(members::access(tx, here, zoe).await?.is_none());
        assert!(members::update(tx, here, zoe, Role::Owner, None).await?.is_none());
        assert!(!members::delete(tx, here, zoe, None).await?);
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");

    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn organizations_that_count_are_those_that_the_user_owns() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let engines = ada.create_organization("Engines").await;
    bob.create_organization("Looms").await;
    ada.add(&engines, &bob, "member").await;
    let count = async |person: &str| {
        let user = UserId(uuid(person));
        let work = async |tx: &mut _| Ok(organizations::count_owned(tx, user).await?);
        app.state.app.db.transaction(work).await.expect("the transaction commits")
    };
    assert_eq!((count(&ada.id).await, count(&bob.id).await), (1, 1));
}

/// Not that of any other user who is active.
#[tokio::test]
async fn suspension_that_counts_is_that_of_the_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "owner").await;
    let (organization, ada, bob) =
        (OrganizationId(uuid(&path)), UserId(uuid(&ada.id)), UserId(uuid(&bob.id)));
    app.database
        .execute("UPDATE users SET suspended_at = now(), suspended_reason = 'the test' WHERE name = 'Bob'")
        .await;

    let work = async |tx: &mut _| {
        assert!(members::find_active(tx, organization, bob).await?.is_none());
        assert!(members::access(tx, organization, bob).await?.is_none());
        assert!(members::find_active(tx, organization, ada).await?.is_some());
        assert!(members::is_last_owner(tx, organization, ada).await?);
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
}

#[tokio::test]
async fn member_whose_account_is_deleted_is_no_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let _active = app.person("Zoe").await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &bob, "member").await;
    app.database.execute("UPDATE users SET deleted_at = now() WHERE name = 'Bob'").await;

    ada.client.delete_with("/v1/auth/me", json!({ "currentPassword": PASSWORD })).await.ok(204);

    let left = "SELECT count(*) FROM organizations WHERE name = 'Engines' AND deleted_at IS NULL";
    assert_eq!(app.database.value::<i64>(left).await, 0);
}

#[tokio::test]
async fn stored_response_replaces_its_own_and_removes_expired_ones_only() {
    let app = TestApp::new().await;
    let work = async |tx: &mut Tx| {
        let (earlier, later) = (tx.now() - TimeDelta::seconds(1), tx.now() + TimeDelta::days(1));
        for (key, sealed, expires_at) in
            [("kept", "a", later), ("own", "b", earlier), ("expired", "c", earlier), ("own", "d", later)]
        {
            idempotency_records::replace(tx, key.as_bytes(), sealed.as_bytes(), expires_at).await?;
        }
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    let left = "SELECT string_agg(convert_from(key_hash, 'UTF8') || convert_from(sealed, 'UTF8'), ' ' ORDER BY sealed)
                FROM idempotency_records";
    assert_eq!(app.database.value::<String>(left).await, "kepta ownd");
}

#[tokio::test]
async fn restored_user_gets_back_own_organizations_only() {
    let app = TestApp::new().await;
    let root = app.administrator("Root").await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    for person in [&ada, &zoe] {
        person.create_organization("Own").await;
    }
    let joined = zoe.create_organization("Joined").await;
    zoe.add(&joined, &ada, "member").await;
    // All at the same moment: the clock stands still.
    zoe.client.delete(&joined).await.ok(200);
    for person in [&ada, &zoe] {
        root.client.delete(&format!("/v1/users/{}", person.id)).await.ok(204);
    }
    let deleted = "SELECT coalesce(string_agg(DISTINCT u.name, ' ' ORDER BY u.name), '')
                   FROM organizations o JOIN members m ON m.organization_id = o.id JOIN users u ON u.id = m.user_id
                   WHERE o.deleted_at IS NOT NULL AND m.role = 'owner'";
    assert_eq!(app.database.value::<String>(deleted).await, "Ada Zoe");

    root.client.post_nothing(&format!("/v1/users/{}/restore", ada.id)).await.ok(200);

    assert_eq!(app.database.value::<String>(deleted).await, "Zoe");
    let joined = "SELECT deleted_at IS NOT NULL FROM organizations WHERE name = 'Joined'";
    assert!(app.database.value::<bool>(joined).await);
    let zoe = "SELECT deleted_at IS NOT NULL FROM users WHERE name = 'Zoe'";
    assert!(app.database.value::<bool>(zoe).await);
}

#[tokio::test]
async fn invitation_of_a_deleted_organization_is_not_found() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, _live) = (ada.create_organization("Here").await, ada.create_organization("Live").await);
    ada.invite(&here, "eve@example.com", "member").await;
    let hash: Vec<u8> = app.database.value("SELECT token_hash FROM invitations").await;
    let found = async || {
        let work = async |tx: &mut _| Ok(invitations::find_open(tx, &hash).await?.is_some());
        app.state.app.db.transaction(work).await.expect("the transaction commits")
    };

    assert!(found().await);
    ada.client.delete(&here).await.ok(200);
    assert!(!found().await);
}

#[tokio::test]
async fn invitation_that_takes_the_place_of_an_expired_one_ends_no_other() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    for (team, email) in [(&here, "eve@example.com"), (&here, "zoe@example.com"), (&there, "eve@example.com")]
    {
        ada.invite(team, email, "member").await;
    }
    app.database
        .execute(
            "UPDATE invitations SET created_at = created_at - interval '30 days', updated_at = updated_at - interval '30 days',
                                    expires_at = expires_at - interval '30 days'",
        )
        .await;

    ada.invite(&here, "eve@example.com", "member").await;

    let states = "SELECT string_agg(concat_ws(' ', o.name, i.email, i.status), ', ' ORDER BY o.name, i.email, i.status)
                  FROM invitations i JOIN organizations o ON o.id = i.organization_id";
    assert_eq!(
        app.database.value::<String>(states).await,
        "Here eve@example.com expired, Here eve@example.com pending, Here zoe@example.com pending, \
         There eve@example.com pending"
    );
}
