//! What proves who a user is, besides the password.

use harness::TestApp;
use shared::{
    db::Tx,
    domain::ids::{PasskeyId, SessionId, UserId},
    store::{
        passkey_ceremonies, passkeys, recovery_codes, sessions, sign_in_challenges, totp_factors, users,
    },
};
use uuid::Uuid;

use super::uuid;

#[tokio::test]
async fn statement_neither_uses_nor_changes_the_passkey_of_another_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let passkey = zoe.add_passkey("Phone").await;
    app.client().passkey_code(&passkey).await;
    app.client().begin_passkey_sign_in().await;
    zoe.begin_passkey().await;
    let bytes = async |query: &'static str| app.database.value::<Vec<u8>>(query).await;
    let code = bytes("SELECT code_hash FROM passkey_ceremonies WHERE code_hash IS NOT NULL").await;
    let addition =
        bytes("SELECT token_hash FROM passkey_ceremonies WHERE purpose = 'add' AND consumed_at IS NULL")
            .await;
    let id = PasskeyId(app.database.value::<Uuid>("SELECT id FROM passkeys").await);
    let (ada, zoe) = (UserId(uuid(&ada.id)), UserId(uuid(&zoe.id)));
    let before = app.database.checksums().await;

    let work = async |tx: &mut Tx| {
        assert!(users::lock(tx, ada).await?.is_some());
        assert!(passkeys::list(tx, ada).await?.is_empty());
        assert!(passkeys::credential_ids(tx, ada).await?.is_empty());
        assert!(passkeys::find(tx, ada, &passkey.id).await?.is_none());
        assert!(!passkeys::exists(tx, ada, id).await?);
        assert!(!passkeys::exists(tx, zoe, PasskeyId::new()).await?);
        assert!(passkeys::update(tx, ada, id, Some("Mine"), None).await?.is_none());
        passkeys::record_use(tx, ada, id, 99, true).await?;
        assert!(!passkeys::remove(tx, ada, id).await?);
        assert!(!passkeys::remove_all(tx, ada).await?);
        assert!(passkey_ceremonies::consume_addition(tx, ada, &addition).await?.is_none());
        assert!(!passkey_ceremonies::exchange(tx, ada, &code).await?);
        assert!(passkey_ceremonies::consume_sign_in(tx, &addition).await?.is_none());
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");

    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn statement_neither_uses_up_nor_removes_the_second_factor_of_another_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    zoe.add_authenticator().await;
    app.verified_person("Bob").await.client.post_nothing("/v1/auth/totp").await.ok(201);
    app.challenge(&zoe.email).await;
    let hash = async |query: &'static str| app.database.value::<Vec<u8>>(query).await;
    let sealed = hash("SELECT sealed FROM totp_factors WHERE confirmed_at IS NULL").await;
    let code = hash("SELECT code_hash FROM recovery_codes LIMIT 1").await;
    let token = hash("SELECT token_hash FROM sign_in_challenges").await;
    let ada = UserId(uuid(&ada.id));
    let zoe = "SELECT (SELECT count(*) FROM recovery_codes), (SELECT guesses FROM sign_in_challenges),
                      (SELECT max(last_step) FROM totp_factors), (SELECT second_factor_at FROM users WHERE name = 'Zoe')";
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
        totp_factors::reseal(tx, ada, &sealed, b"sealed again").await?;
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
    assert_eq!(hash("SELECT sealed FROM totp_factors WHERE confirmed_at IS NULL").await, sealed);
}

#[tokio::test]
async fn second_factor_of_a_session_counts_for_no_other_session() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let other = zoe.sign_in_again().await;
    zoe.add_authenticator().await;
    app.database.execute("UPDATE sessions SET factors = '{password}'").await;
    let both = sqlx::query("UPDATE sessions SET factors = '{password,totp}' WHERE id = $1");
    let both = both.bind(uuid(&zoe.session)).execute(app.database.pool()).await;
    assert_eq!(both.expect("the session").rows_affected(), 1);

    for (user, session, has_both) in
        [(&zoe, &zoe.session, true), (&zoe, &other.session, false), (&ada, &zoe.session, false)]
    {
        let (user, session) = (UserId(uuid(&user.id)), SessionId(uuid(session)));
        let check = async |tx: &mut _| Ok(sessions::has_second_factor(tx, user, session).await?);
        assert_eq!(app.state.app.db.transaction(check).await.expect("the transaction commits"), has_both);
    }
}

#[tokio::test]
async fn recovery_codes_that_are_left_are_those_of_one_user() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    ada.add_authenticator().await;
    let codes = zoe.add_authenticator().await.recovery_codes.len();
    let code = "SELECT code_hash FROM recovery_codes c JOIN users u ON u.id = c.user_id WHERE u.name = 'Zoe' LIMIT 1";
    let code: Vec<u8> = app.database.value(code).await;
    let zoe = UserId(uuid(&zoe.id));
    let consume = async |tx: &mut Tx| {
        // The order of locks asks for it.
        users::lock(tx, zoe).await?;
        Ok(recovery_codes::consume(tx, zoe, &code).await?)
    };
    let left = app.state.app.db.transaction(consume).await.expect("the transaction commits");
    assert_eq!(left.and_then(|left| usize::try_from(left).ok()), Some(codes - 1));
}
