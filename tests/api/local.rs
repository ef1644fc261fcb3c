//! What the tools of developers do with the API: `cargo xtask token`, and the log of a failing test.

use harness::TestApp;

#[tokio::test]
async fn local_token_is_that_of_the_user_also_with_a_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    for needs_two in [false, true] {
        if needs_two {
            ada.add_authenticator().await;
        }
        let token = local_token::sign_in(&app.state.app, &ada.email).await.expect("a token");
        let answer = app.client().token(&token).get("/v1/auth/me").await.ok(200);
        assert_eq!(answer.text("/data/id"), ada.id);
    }
    ada.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test]
async fn local_token_needs_an_account() {
    let app = TestApp::new().await;
    for (email, why) in
        [("eve@example.com", "no account has the address eve@example.com"), ("eve", "eve: this must be")]
    {
        let error = local_token::sign_in(&app.state.app, email).await.expect_err("a refusal");
        assert!(error.to_string().starts_with(why), "{error:#}");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn log_of_a_test_has_its_own_requests_only() {
    let (app, other) = (TestApp::new().await, TestApp::new().await);
    app.client().get("/v1/config").await.ok(200);
    app.second_instance().client().get("/v1/auth/me").await.ok(401);
    other.client().get("/.well-known/jwks.json").await.ok(200);
    let (log, others) = (app.log(), other.log());
    assert_eq!(log.len(), 2, "{log:#?}");
    assert!(log[0].contains("request served") && log[0].contains("/v1/config"), "{log:#?}");
    assert!(log[1].contains("request refused") && log[1].contains("unauthenticated"), "{log:#?}");
    assert!(others.len() == 1 && others[0].contains("jwks"), "{others:#?}");
}
