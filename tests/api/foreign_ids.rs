//! Handlers look a row up before they change it, and refuse one that is not the caller's. The statements behind them refuse it too.

use chrono::TimeDelta;
use harness::{PASSWORD, TestApp};
use serde_json::json;
use shared::{
    db::Tx,
    domain::{
        factor::Factor,
        ids::{ApiKeyId, IdentityId, InvitationId, OrganizationId, SessionId, UserId, VerificationTokenId},
        input::Email,
        permission::Role,
        provider::ProviderIdentity,
    },
    store::{
        api_keys, idempotency_records, identities, invitations, members, oauth_flows, organizations,
        recovery_codes, sessions, sign_in_challenges, totp_factors, users,
        verification_tokens::{self, Consumed, NewToken, Purpose},
    },
};
use uuid::Uuid;

fn uuid(text: &str) -> Uuid {
    let id = text.rsplit('/').next().expect("an id");
    id.parse().expect("a UUID")
}

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
async fn statement_neither_finds_nor_changes_the_session_of_another_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (ada, session) = (UserId(uuid(&ada.id)), SessionId(uuid(&zoe.session)));
    app.clock.advance(TimeDelta::seconds(1));
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        assert!(sessions::find(tx, ada, session).await?.is_none());
        assert!(!sessions::set_authenticated(tx, ada, session).await?);
        assert!(!sessions::has_second_factor(tx, ada, session).await?);
        assert!(!sessions::add_factor(tx, ada, session, Factor::Totp).await?);
        assert!(!sessions::revoke(tx, ada, session, "the test").await?);
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");

    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn statement_neither_uses_nor_removes_the_identity_of_another_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (ada, zoe) = (UserId(uuid(&ada.id)), UserId(uuid(&zoe.id)));
    let of = |subject: &str| ProviderIdentity {
        issuer: "https://issuer.example".to_owned(),
        subject: subject.to_owned(),
        email: None,
        email_proved: false,
        name: None,
    };
    let identity = of("zoe");
    let new =
        identities::NewIdentity { user: zoe, provider: "acme", identity: &identity, proved: Some(false) };
    let work = async |tx: &mut Tx| {
        oauth_flows::prepare_link(tx, "acme", zoe, b"token", None).await?;
        oauth_flows::begin(
            tx,
            "acme",
            &oauth_flows::Begun { state_hash: b"state", browser_hash: b"browser", sealed: b"" },
            None,
        )
        .await?;
        Ok(identities::link(tx, &new).await?.expect("a new identity"))
    };
    let id: IdentityId = app.state.app.db.transaction(work).await.expect("the transaction commits");
    app.clock.advance(TimeDelta::seconds(1));
    let before = app.database.checksums().await;

    let work = async |tx: &mut Tx| {
        assert!(users::lock(tx, ada).await?.is_some());
        assert!(identities::list(tx, ada).await?.is_empty());
        assert!(!identities::record_use(tx, ada, &identity).await?);
        assert!(identities::remove(tx, ada, id).await?.is_none());
        assert!(identities::owner(tx, &of("another subject")).await?.is_none());
        identities::prove(tx, ada).await?;
        identities::remove_all(tx, ada).await?;
        assert!(
            !users::remove_unproved_ways_in(tx, ada).await? || identities::list(tx, zoe).await?.len() == 1
        );
        let theirs =
            identities::NewIdentity { user: ada, provider: "acme", identity: &identity, proved: None };
        assert!(identities::link(tx, &theirs).await?.is_none());
        assert!(oauth_flows::find_offered(tx, ada, b"token").await?.is_none());
        let others: [(&str, &[u8], &[u8]); 3] =
            [("other", b"state", b"browser"), ("acme", b"other", b"browser"), ("acme", b"state", b"other")];
        for (provider, state, browser) in others {
            assert!(oauth_flows::consume(tx, provider, state, browser).await?.is_none());
        }
        assert!(
            !oauth_flows::begin_link(
                tx,
                "other",
                b"token",
                &oauth_flows::Begun { state_hash: b"new", browser_hash: b"browser", sealed: b"" }
            )
            .await?
        );
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    // The password of Ada was not proved, so it was removed; nothing else has changed.
    let after = app.database.checksums().await;
    assert!(
        before.iter().all(|(table, sum)| table == "users" || after[table] == *sum),
        "{before:?}, {after:?}"
    );
}

#[tokio::test]
async fn statement_neither_uses_up_nor_removes_the_second_factor_of_another_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    zoe.add_authenticator().await;
    app.challenge(&zoe.email).await;
    let hash = async |query: &'static str| app.database.value::<Vec<u8>>(query).await;
    let sealed = hash("SELECT sealed FROM totp_factors").await;
    let code = hash("SELECT code_hash FROM recovery_codes LIMIT 1").await;
    let token = hash("SELECT token_hash FROM sign_in_challenges").await;
    let ada = UserId(uuid(&ada.id));
    let zoe = "SELECT (SELECT count(*) FROM recovery_codes), (SELECT guesses FROM sign_in_challenges),
                      (SELECT last_step FROM totp_factors), (SELECT second_factor_at FROM users WHERE name = 'Zoe')";
    let zoe = async || {
        let row = sqlx::AssertSqlSafe(format!("SELECT row::text FROM ({zoe}) AS row"));
        sqlx::query_scalar::<_, String>(row).fetch_one(app.database.pool()).await.expect("a row")
    };
    let before = zoe().await;

    let work = async |tx: &mut _| {
        // The order of locks asks for it.
        assert!(users::lock(tx, ada).await?.is_some());
        assert!(totp_factors::find(tx, ada).await?.is_none());
        assert!(!totp_factors::confirm(tx, ada, &sealed, i64::MAX).await?);
        assert!(!totp_factors::consume(tx, ada, i64::MAX).await?);
        assert_eq!(recovery_codes::count(tx, ada).await?, 0);
        assert!(recovery_codes::consume(tx, ada, &code).await?.is_none());
        assert!(sign_in_challenges::guess(tx, ada, &token).await?.is_none());
        recovery_codes::replace(tx, ada, &[]).await?;
        assert!(users::remove_second_factors(tx, ada).await?.is_some());
        sessions::revoke_all(tx, ada, None, "the test").await?;
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");

    assert_eq!(zoe().await, before);
}

#[tokio::test]
async fn statement_withdraws_the_links_of_one_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (ada, zoe) = (UserId(uuid(&ada.id)), UserId(uuid(&zoe.id)));
    let insert = async |user, token_hash: &[u8], purpose, email| {
        app.clock.advance(TimeDelta::seconds(1));
        let new = NewToken { purpose, user, email, token_hash, code_hash: None };
        let work = async |tx: &mut _| Ok(verification_tokens::insert(tx, &new).await?);
        app.state.app.db.transaction(work).await.expect("the transaction commits");
    };
    let (undo, reject, old) = (Purpose::UndoEmailChange, Purpose::RejectSignIn, "old@example.com");
    insert(ada, b"earlier-sign-in", reject, old).await;
    insert(ada, b"first-address", reject, "first@example.com").await;
    insert(ada, b"first", undo, old).await;
    let first = "SELECT id FROM verification_tokens WHERE purpose = 'undo_email_change'";
    let id = VerificationTokenId(app.database.value(first).await);
    insert(ada, b"second", undo, "new@example.com").await;
    insert(ada, b"later-sign-in", reject, "new@example.com").await;
    insert(zoe, b"other", undo, old).await;
    insert(zoe, b"others-sign-in", reject, old).await;

    let used = Consumed { id, user_id: ada, email: old.to_owned() };
    let work = async |tx: &mut _| Ok(verification_tokens::withdraw_later_ways_back(tx, &used).await?);
    app.state.app.db.transaction(work).await.expect("the transaction commits");

    let left = "SELECT string_agg(convert_from(token_hash, 'UTF8'), ' ' ORDER BY created_at) FROM verification_tokens
                WHERE purpose IN ('undo_email_change', 'reject_sign_in') AND consumed_at IS NULL";
    let kept = app.database.value::<String>(left).await;
    assert_eq!(kept, "first-address first other others-sign-in");

    let withdrawn = "first-address first other";
    for (user, email, expected) in
        [(zoe, "first@example.com", &*kept), (ada, old, &*kept), (zoe, old, withdrawn)]
    {
        let work = async |tx: &mut Tx| {
            // The order of locks asks for it.
            users::lock(tx, user).await?;
            Ok(verification_tokens::withdraw_rejections(tx, user, email).await?)
        };
        app.state.app.db.transaction(work).await.expect("the transaction commits");
        assert_eq!(app.database.value::<String>(left).await, expected);
    }
}

#[tokio::test]
async fn statement_changes_the_password_and_the_version_of_one_user() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (id, address) = (UserId(uuid(&ada.id)), bob.email.clone());
    let before = app.database.checksums().await;

    // The address belongs to the other user, as after two changes of addresses.
    let work = async |tx: &mut _| {
        assert!(!users::reset_password(tx, id, &address, "a hash").await?);
        assert!(users::verify_email(tx, id, &address, true).await?.is_none());
        let bob = Email::try_from(address.clone()).expect("an address");
        assert_eq!(users::lock_owner(tx, &bob).await?.expect("Bob").name, "Bob");
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);

    let versions = "SELECT string_agg(name || ' ' || version, ', ' ORDER BY name) FROM users";
    let before: String = app.database.value(versions).await;
    let touch = async |tx: &mut _| Ok(users::touch(tx, id).await?);
    let touched = app.state.app.db.transaction(touch).await.expect("the transaction commits").expect("Ada");
    let after: String = app.database.value(versions).await;
    let other = |text: &str| text.split(", ").find(|one| one.starts_with("Bob")).map(str::to_owned);
    assert_eq!(other(&after), other(&before));
    assert!(after.contains(&format!("Ada {}", touched.version)), "{after}");
}

#[tokio::test]
async fn session_and_its_refresh_token_are_those_of_one_active_user() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (own, other) = (SessionId(uuid(&ada.session)), SessionId(uuid(&bob.session)));
    let hash: Vec<u8> = sqlx::query_scalar("SELECT refresh_token_hash FROM sessions WHERE id = $1")
        .bind(other.0)
        .fetch_one(app.database.pool())
        .await
        .expect("the session");
    let is_live = async |session| {
        let work = async |tx: &mut _| Ok(sessions::find_live(tx, session).await?);
        app.state.app.db.transaction(work).await.expect("the transaction commits").is_some()
    };
    let rotate = async |session| {
        let work = async |tx: &mut Tx| {
            let later = tx.now() + TimeDelta::days(1);
            Ok(sessions::rotate(tx, session, &hash, b"another hash", later).await?)
        };
        app.state.app.db.transaction(work).await.expect("the transaction commits")
    };
    let lock = async |session| {
        let work = async |tx: &mut _| Ok(sessions::lock_for_refresh(tx, session).await?);
        app.state.app.db.transaction(work).await.expect("the transaction commits").map(|found| found.user_id)
    };
    assert!(rotate(own).await.is_none());
    assert_eq!(lock(own).await, Some(UserId(uuid(&ada.id))));
    assert_eq!(lock(other).await, Some(UserId(uuid(&bob.id))));
    app.database
        .execute("UPDATE users SET suspended_at = now(), suspended_reason = 'the test' WHERE name = 'Bob'")
        .await;
    assert!(rotate(other).await.is_none());
    assert_eq!(lock(other).await, None);
    assert!(!is_live(other).await && is_live(own).await);
    app.database
        .execute("UPDATE users SET suspended_at = NULL, suspended_reason = NULL WHERE name = 'Bob'")
        .await;
    assert!(rotate(other).await.is_some());
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
async fn same_hash_of_two_passwords_confuses_nobody() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let same = "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE name = 'Ada')";
    app.database.execute(same).await;

    for person in [&ada, &bob] {
        let body = json!({ "email": person.email, "password": PASSWORD });
        let answer = app.client().post("/v1/auth/login", body).await.ok(201);
        assert_eq!(answer.text("/data/user/id"), person.id);
    }
    let hash: String = app.database.value("SELECT password_hash FROM users WHERE name = 'Ada'").await;
    for person in [&ada, &bob] {
        let id = UserId(uuid(&person.id));
        let work = async |tx: &mut _| Ok(users::lock_with_password(tx, id, &hash).await?);
        let user = app.state.app.db.transaction(work).await.expect("the transaction commits");
        assert_eq!(user.expect("the user").id, id);
    }
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long enough phrase" });
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
    bob.sign_in_again().await;
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
