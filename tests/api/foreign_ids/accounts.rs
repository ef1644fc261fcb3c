//! What belongs to a user.

use chrono::TimeDelta;
use harness::{PASSWORD, TestApp};
use serde_json::json;
use shared::{
    db::Tx,
    domain::{
        factor::Factor,
        ids::{IdentityId, SessionId, UserId, VerificationTokenId},
        input::Email,
        provider::ProviderIdentity,
    },
    store::{
        identities, oauth_flows, sessions, users,
        verification_tokens::{self, Consumed, NewToken, Purpose},
    },
};

use super::uuid;

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
    // An identity moves only if its own user is deleted.
    app.person("Bob").await.client.delete("/v1/auth/me").await.ok(204);
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
        let begun = oauth_flows::Begun { state_hash: b"new", browser_hash: b"browser", sealed: b"" };
        for (provider, token) in [("other", b"token"), ("acme", b"other")] {
            assert!(!oauth_flows::begin_link(tx, provider, token, &begun).await?);
        }
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
