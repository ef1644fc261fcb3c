use axum::{body::Body, http::Method};
use harness::{
    Answer, Client, Issuer, TestApp,
    sign_in::{AtProvider, app_with, code, sign_in_with},
};
use serde_json::json;

/// The address of the pages.
const PAGES: (&str, &str) = ("APP_URL", "https://api.example.com/account");

async fn app() -> TestApp {
    TestApp::with(&[PAGES]).await
}

/// Submits the form of a page, as a browser without JavaScript.
async fn submit_form(client: &Client<'_>, path: &str, form: &str) -> Answer {
    client
        .with("origin", "https://api.example.com")
        .with("content-type", "application/x-www-form-urlencoded")
        .send(Method::POST, path, Body::from(form.to_owned()))
        .await
}

/// Returns the path of the link in the newest mail to `email`.
fn link_to(app: &TestApp, email: &str) -> String {
    let text = app.mail_to(email).text;
    let start = text.find("https://api.example.com/account").expect("a link to our own pages");
    let link = text[start..].split_whitespace().next().expect("a link");
    link.trim_start_matches("https://api.example.com").to_owned()
}

#[tokio::test]
async fn opening_a_mailed_link_changes_nothing_until_the_button_is_pressed() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let link = link_to(&app, &ada.email);
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let page = app.client().send(method, &link, Body::empty()).await.ok(200);
        assert!(page.header("content-type").starts_with("text/html"));
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.header("content-security-policy").contains("form-action 'self'"));
        assert!(!page.header("content-security-policy").contains("unsafe"));
    }
    assert_eq!(ada.client.get("/v1/auth/me").await.body["data"]["emailVerified"], false);

    submit_form(&app.client(), &link, "").await.ok(200);

    assert_eq!(ada.client.get("/v1/auth/me").await.body["data"]["emailVerified"], true);
    submit_form(&app.client(), &link, "").await.ok(422);
}

#[tokio::test]
async fn new_password_is_chosen_on_a_page() {
    let app = app().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let link = link_to(&app, &ada.email);
    submit_form(&app.client(), &link, "newPassword=short").await.ok(422);
    submit_form(&app.client(), &link, "").await.ok(422);
    submit_form(&app.client(), &link, "newPassword=an+entirely+different+phrase").await.ok(200);
    let login = json!({ "email": ada.email, "password": "an entirely different phrase" });
    app.client().post("/v1/auth/login", login).await.ok(201);
}

#[tokio::test]
async fn magic_link_page_signs_the_browser_in() {
    let app = app().await;
    let ada = app.verified_person("Ada").await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let link = link_to(&app, &ada.email);
    let page = submit_form(&app.client(), &link, "").await.ok(200);
    assert!(page.header("set-cookie").starts_with("__Host-arches_refresh=rt_"), "{page:?}");
    assert!(page.header("set-cookie").contains("HttpOnly"));
}

#[tokio::test]
async fn address_is_changed_on_a_page() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let wish =
        json!({ "newEmail": "countess@example.com", "currentPassword": "correct horse battery staple" });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let link = link_to(&app, "countess@example.com");
    submit_form(&app.client(), &link, "currentPassword=").await.ok(401);
    submit_form(&app.client(), &link, "currentPassword=not+the+password").await.ok(403);
    let form = "currentPassword=correct+horse+battery+staple";
    submit_form(&app.client(), &link, form).await.ok(200);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), "countess@example.com");
}

#[tokio::test]
async fn page_says_whose_account_it_is_and_takes_this_was_not_me() {
    let app = app().await;
    let thief = app.person("Canary").await;
    let link = link_to(&app, &thief.email);
    let page = page_text(&app, &link).await;
    assert!(page.contains(&thief.email) && page.contains("2026-01-02"), "{page}");
    assert!(page.contains("This was not me") && !page.contains("Canary"), "{page}");
    thief.client.get("/v1/auth/me").await.ok(200);

    submit_form(&app.client(), &link, "answer=reject").await.ok(200);

    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");

    let ada = app.person("Ada").await;
    let wish = json!({ "newEmail": "strangers@example.com", "currentPassword": harness::PASSWORD });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let link = link_to(&app, "strangers@example.com");
    let page = page_text(&app, &link).await;
    assert!(page.contains(&ada.email) && page.contains("2026-01-02"), "{page}");
    submit_form(&app.client(), &link, "currentPassword=&answer=reject").await.ok(200);
    submit_form(&app.client(), &link, "currentPassword=correct+horse+battery+staple").await.ok(422);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), ada.email);
}

#[tokio::test]
async fn account_is_taken_back_on_a_page() {
    let app = app().await;
    let ada = app.verified_person("Ada").await;
    let wish =
        json!({ "newEmail": "countess@example.com", "currentPassword": "correct horse battery staple" });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let form = "currentPassword=correct+horse+battery+staple";
    submit_form(&app.client(), &link_to(&app, "countess@example.com"), form).await.ok(200);
    let link = link_to(&app, &ada.email);
    assert!(link.starts_with("/account/undo-email-change?token="), "{link}");
    app.client().send(Method::GET, &link, Body::empty()).await.ok(200);
    ada.client.get("/v1/auth/me").await.ok(200);

    submit_form(&app.client(), &link, "").await.ok(200);

    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    submit_form(&app.client(), &link, "").await.ok(422);
}

#[tokio::test]
async fn sign_in_is_rejected_on_a_page() {
    let app = app().await;
    let ada = app.verified_person("Ada").await;
    let thief = ada.sign_in_elsewhere().await;
    let link = link_to(&app, &ada.email);
    assert!(link.starts_with("/account/reject-sign-in?token="), "{link}");
    assert!(page_text(&app, &link).await.contains("<button>This was not me</button>"));
    thief.client.get("/v1/auth/me").await.ok(200);

    let page = submit_form(&app.client(), &link, "").await.ok(200);

    assert!(!page.page.contains("token="), "who finds the mail gets no link: {page:?}");
    assert!(!page.headers.contains_key("set-cookie"));
    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    submit_form(&app.client(), &link, "").await.ok(422);
    let reset = link_to(&app, &ada.email);
    assert!(reset.starts_with("/account/reset-password?token="), "{reset}");
    submit_form(&app.client(), &reset, "newPassword=an+entirely+different+phrase").await.ok(200);
}

#[tokio::test]
async fn accepting_an_invitation_on_a_page_needs_the_password() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let bob = json!({ "name": "Bob", "email": "bob@example.com", "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", bob).await.ok(201);
    submit_form(&app.client(), &link_to(&app, "bob@example.com"), "").await.ok(200);
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    ada.client.post(&format!("{team}/invitations"), invitation).await.ok(201);
    let link = link_to(&app, "bob@example.com");
    submit_form(&app.client(), &link, "email=bob%40example.com&password=not+the+password").await.ok(401);
    submit_form(&app.client(), &link, "email=bob%40example.com&password=a+long+enough+phrase").await.ok(200);
    let members = ada.client.get(&format!("{team}/members")).await.ok(200);
    assert_eq!(members.body["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn form_from_another_origin_is_refused() {
    let app = app().await;
    let ada = app.person("Ada").await;
    let link = link_to(&app, &ada.email);
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let client = origin.map_or_else(|| app.client(), |origin| app.client().with("origin", origin));
        client.with("sec-fetch-site", "cross-site").post_nothing(&link).await.refused(403, "foreign-origin");
    }
    assert_eq!(ada.client.get("/v1/auth/me").await.body["data"]["emailVerified"], false);
}

#[tokio::test]
async fn mailed_links_ignore_the_host_header() {
    let app = app().await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let client = app.client().with("host", "evil.example").with("x-forwarded-host", "evil.example");
    client.post("/v1/auth/register", body).await.ok(201);
    assert!(!app.mail_to("ada@example.com").text.contains("evil"));
    assert!(link_to(&app, "ada@example.com").starts_with("/account/verify-email?token="));
}

/// Returns the HTML of a page.
async fn page_text(app: &TestApp, path: &str) -> String {
    app.client().send(Method::GET, path, Body::empty()).await.ok(200).page
}

#[tokio::test]
async fn page_of_a_mailed_identity_names_the_provider_and_the_account() {
    let issuer = Issuer::start().await;
    let app = app_with(&[("acme", issuer.credentials())], &[PAGES]).await;
    let ada = app.verified_person("Ada").await;
    let claims = json!({ "email": ada.email });
    sign_in_with(&app.client(), "acme", &issuer, "ada", &claims).await.refused(409, "account-exists");
    let link = link_to(&app, &ada.email);
    assert!(link.starts_with("/account/link-identity?token="), "{link}");
    let page = app.client().get(&link).await.ok(200).page;
    assert!(page.contains(&format!("ACME will sign in to the account of {}.", ada.email)), "{page}");
    assert_eq!(
        app.database.value::<i64>("SELECT count(*) FROM identities").await,
        0,
        "a GET changes nothing"
    );
    app.client()
        .with("origin", "https://evil.example")
        .post_nothing(&link)
        .await
        .refused(403, "foreign-origin");

    submit_form(&app.client(), &link, "").await.ok(200);

    sign_in_with(&app.client(), "acme", &issuer, "ada", &claims).await.ok(201);
    submit_form(&app.client(), &link, "").await.ok(422);
}

#[tokio::test]
async fn page_after_a_sign_in_at_a_provider_signs_the_browser_in() {
    let issuer = Issuer::start().await;
    let app = app_with(&[("acme", issuer.credentials())], &[PAGES]).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    let back = flow.come_back_as(&app, &issuer, "ada", &json!({})).await;
    assert!(
        back.header("location").starts_with("https://api.example.com/account/signed-in#code="),
        "{back:?}"
    );
    let page = flow.browser.get("/account/signed-in").await.ok(200);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let form = format!("code={}", code(&back));

    submit_form(&app.client(), "/account/signed-in", &form).await.ok(401);
    let foreign = flow.browser.with("content-type", "application/x-www-form-urlencoded");
    let foreign = foreign.with("origin", "https://evil.example");
    foreign
        .send(Method::POST, "/account/signed-in", Body::from(form.clone()))
        .await
        .refused(403, "foreign-origin");
    let page = submit_form(&flow.browser, "/account/signed-in", &form).await.ok(200);

    assert!(page.header("set-cookie").starts_with("__Host-arches_refresh=rt_"), "{page:?}");
    submit_form(&flow.browser, "/account/signed-in", &form).await.ok(401);
}

#[tokio::test]
async fn magic_link_page_asks_for_the_second_factor() {
    let app = app().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let first = submit_form(&app.client(), &link_to(&app, &ada.email), "").await.ok(303);
    assert!(!first.headers.contains_key("set-cookie"), "{first:?}");
    let location = first.header("location");
    assert!(location.starts_with("second-factor?token="), "{location}");
    let page = format!("/account/{location}");
    app.client().send(Method::GET, &page, Body::empty()).await.ok(200);

    let foreign = app.client().with("content-type", "application/x-www-form-urlencoded");
    foreign.post_bytes(&page, "code=123456").await.ok(403);
    let wrong = submit_form(&app.client(), &page, "code=wrong").await.ok(401);
    assert!(wrong.page.contains("This code is wrong"), "{}", wrong.page);
    let form = format!("code={}", app.next_code(&factor.app));
    let welcome = submit_form(&app.client(), &page, &form).await.ok(200);
    assert!(welcome.header("set-cookie").starts_with("__Host-arches_refresh=rt_"), "{welcome:?}");
    submit_form(&app.client(), &page, &form).await.ok(401);

    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let first = submit_form(&app.client(), &link_to(&app, &ada.email), "").await.ok(303);
    let page = format!("/account/{}", first.header("location"));
    let form = format!("code={}", factor.recovery_codes[0]);
    submit_form(&app.client(), &page, &form).await.ok(200);
}
