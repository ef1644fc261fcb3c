//! Attacks on sign-ins with providers that are known by a name (RFC 9700; OWASP; "Pre-hijacked accounts", Sudhodanan and Paverd, 2022).

use harness::{
    Issuer, PASSWORD, TestApp,
    sign_in::{AtProvider, app_of, app_with, code, error, sign_in_with},
};
use serde_json::{Value, json};
use uuid::Uuid;

const EXCHANGE: &str = "/v1/auth/oauth/exchange";

/// Login CSRF: an attacker signs in at the provider, and lets the victim's browser come back.
#[tokio::test]
async fn callback_in_another_browser_is_refused() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let attackers = AtProvider::begin(&app.client(), "acme", "").await;
    issuer.issue(&issuer.sign(&attackers.claims(&app, &issuer, "attacker", &json!({}))));
    let victims = AtProvider::begin(&app.client(), "acme", "").await;

    for browser in [&app.client(), &victims.browser, &app.client().with("cookie", "__Host-arches_flow=")] {
        assert_eq!(error(&browser.get(&attackers.way_back()).await), "flow-not-valid");
    }
    assert_eq!(issuer.count("/token"), 0, "the code is not redeemed");
    code(&attackers.come_back().await);
}

#[tokio::test]
async fn code_is_exchanged_only_in_the_browser_that_began() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let flow = AtProvider::begin(&app.client(), "acme", "").await;
    let other = AtProvider::begin(&app.client(), "acme", "").await;
    let body = json!({ "code": code(&flow.come_back_as(&app, &issuer, "ada", &json!({})).await) });
    for browser in [&app.client(), &other.browser] {
        browser.post(EXCHANGE, body.clone()).await.refused(401, "wrong-sign-in-code");
    }
    flow.browser.post(EXCHANGE, body.clone()).await.ok(201);
    flow.browser.post(EXCHANGE, body).await.refused(401, "wrong-sign-in-code");
}

/// Account fixation: the victim opens the attacker's URL to link an identity, and would sign in to the attacker's account from then on.
#[tokio::test]
async fn identity_of_a_victim_cannot_be_fixed_to_the_account_of_an_attacker() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let (attacker, victim) = (app.person("Eve").await, app.person("Victoria").await);
    let begun = attacker.client.post("/v1/auth/accounts", json!({ "provider": "acme" })).await.ok(201);
    let (_, query) = begun.text("/data/authorizationUrl").split_once('?').expect("a query");

    let flow = AtProvider::begin(&app.client(), "acme", &format!("?{query}")).await;
    let body = json!({ "code": code(&flow.come_back_as(&app, &issuer, "victim", &json!({})).await) });

    flow.browser.post(EXCHANGE, body.clone()).await.refused(401, "wrong-sign-in-code");
    let signed_in = flow.browser.token(&victim.access_token);
    signed_in.post(EXCHANGE, body.clone()).await.refused(401, "wrong-sign-in-code");
    attacker.client.post(EXCHANGE, body).await.refused(401, "wrong-sign-in-code");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM identities").await, 0);
}

/// Mix-up (RFC 9700, 4.4): a provider that the attacker controls gets the code of another one, or gives its own away.
#[tokio::test]
async fn providers_cannot_be_mixed_up() {
    let (honest, evil) = (Issuer::start().await, Issuer::start().await);
    honest.publish(&json!({ "authorization_response_iss_parameter_supported": true }));
    let app = app_with(&[("honest", honest.credentials()), ("evil", evil.credentials())], &[]).await;
    let begin = async || AtProvider::begin(&app.client(), "honest", "").await;

    // The answer comes to the address of another provider.
    let flow = begin().await;
    let elsewhere = flow.way_back().replace("/honest/", "/evil/");
    assert_eq!(error(&flow.browser.get(&elsewhere).await), "flow-not-valid");
    // It names another issuer, or none although the provider promised to name itself (RFC 9207).
    for issuer in [format!("&iss={}", evil.url()), String::new()] {
        let flow = begin().await;
        honest.issue(&honest.sign(&flow.claims(&app, &honest, "ada", &json!({}))));
        let answer = flow.browser.get(&format!("{}{issuer}", flow.way_back())).await;
        assert_eq!(error(&answer), "provider-answer-not-valid");
    }
    assert_eq!((honest.count("/token"), evil.count("/token")), (0, 0), "no code is given away");
    let flow = begin().await;
    honest.issue(&honest.sign(&flow.claims(&app, &honest, "ada", &json!({}))));
    code(&flow.browser.get(&format!("{}&iss={}", flow.way_back(), honest.url())).await);
}

#[tokio::test]
async fn sign_in_leads_to_no_other_site() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for elsewhere in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%5C%5Cevil.example",
        "%2F%09%2Fevil.example",
        "javascript%3Aalert(1)",
        "evil",
        "",
    ] {
        let path = format!("/v1/auth/oauth/acme/authorize?returnTo={elsewhere}");
        app.client().get(&path).await.refused(422, "invalid-query");
    }
    let body = json!({ "provider": "acme", "returnTo": "//evil.example" });
    app.person("Ada").await.client.post("/v1/auth/accounts", body).await.refused(422, "invalid-body");
    let path = "/v1/auth/oauth/acme/authorize?redirect_uri=https%3A%2F%2Fevil.example";
    app.client().with("host", "evil.example").get(path).await.refused(422, "invalid-query");
    let flow = AtProvider::begin(&app.client().with("host", "evil.example"), "acme", "").await;
    assert!(!flow.url.as_str().contains("evil"), "{}", flow.url);
}

/// A stranger registers an address with a password, and waits for its owner.
#[tokio::test]
async fn pre_hijacking_with_a_password_does_not_work() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let stranger = app.client();
    let body = json!({ "name": "Eve", "email": "ada@issuer.example", "password": PASSWORD });
    let registered = stranger.post("/v1/auth/register", body).await.ok(201);
    let hijacked = stranger.token(registered.text("/data/accessToken"));

    let owner = sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);

    assert_eq!(owner.text("/data/user/id"), registered.text("/data/user/id"));
    assert_eq!(owner.body["data"]["user"]["emailVerified"], true);
    hijacked.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let login = json!({ "email": "ada@issuer.example", "password": PASSWORD });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
}

/// A stranger registers an address with an identity whose provider does not vouch for it, and waits for its owner.
#[tokio::test]
async fn pre_hijacking_with_an_identity_does_not_work() {
    let (issuer, tenant) = (Issuer::start().await, Issuer::start().await);
    let providers = [("acme", issuer.credentials()), ("tenant", tenant.credentials())];
    let app = app_with(&providers, &[]).await;
    let address = json!({ "email": "ada@issuer.example", "email_verified": false });
    let hijack = async |client: &harness::Client<'_>| {
        sign_in_with(client, "tenant", &tenant, "stranger", &address).await
    };
    let stranger = hijack(&app.client()).await.ok(201);

    // The owner proves the address: by a magic link, by a new password, and by a provider that vouches for it.
    app.client().post("/v1/auth/magic-links", json!({ "email": "ada@issuer.example" })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("ada@issuer.example") });
    let owner = app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);

    assert_eq!(owner.text("/data/user/id"), stranger.text("/data/user/id"));
    let session = app.client().token(stranger.text("/data/accessToken"));
    session.get("/v1/auth/me").await.refused(401, "unauthenticated");
    hijack(&app.client()).await.refused(409, "account-exists");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test]
async fn unproved_identity_goes_when_the_owner_sets_a_password_or_signs_in_with_a_provider() {
    for by_password in [true, false] {
        let (issuer, tenant) = (Issuer::start().await, Issuer::start().await);
        let providers = [("acme", issuer.credentials()), ("tenant", tenant.credentials())];
        let app = app_with(&providers, &[]).await;
        let address = json!({ "email": "ada@issuer.example", "email_verified": false });
        sign_in_with(&app.client(), "tenant", &tenant, "stranger", &address).await.ok(201);
        if by_password {
            app.client()
                .post("/v1/auth/forgot-password", json!({ "email": "ada@issuer.example" }))
                .await
                .ok(202);
            let token = app.token_mailed_to("ada@issuer.example");
            let reset = json!({ "token": token, "newPassword": PASSWORD });
            app.client().post("/v1/auth/reset-password", reset).await.ok(204);
        } else {
            sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);
        }
        let stranger = sign_in_with(&app.client(), "tenant", &tenant, "stranger", &address).await;
        stranger.refused(409, "account-exists");
    }
}

/// A stranger registers an address with a password, its owner presses "Confirm" in the mail, and later comes with a provider ("classic-federated
/// merge").
#[tokio::test]
async fn stranger_is_out_when_the_owner_links_by_mail() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let account = json!({ "name": "Eve", "email": "ada@issuer.example", "password": PASSWORD });
    let registered = app.client().post("/v1/auth/register", account).await.ok(201);
    let stranger = app.client().token(registered.text("/data/accessToken"));
    let confirm = json!({ "token": app.token_mailed_to("ada@issuer.example") });
    app.client().post("/v1/auth/verify-email", confirm).await.ok(200);
    let owner = async || sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await;
    owner().await.refused(409, "account-exists");

    let mailed = json!({ "token": app.token_mailed_to("ada@issuer.example") });
    app.client().post("/v1/auth/link-identity", mailed).await.ok(204);

    stranger.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let login = json!({ "email": "ada@issuer.example", "password": PASSWORD });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    assert_eq!(owner().await.ok(201).text("/data/user/id"), registered.text("/data/user/id"));
}

/// An identity that a stranger links to a pre-registered account after its owner has pressed "Confirm" in the mail.
#[tokio::test]
async fn identity_linked_by_a_stranger_goes_with_the_first_sign_in_by_mail() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let stranger = app.person("Eve").await;
    let confirm = json!({ "token": app.token_mailed_to(&stranger.email) });
    app.client().post("/v1/auth/verify-email", confirm).await.ok(200);
    link(&app, &stranger.client, &issuer, "stranger").await.ok(204);

    app.client().post("/v1/auth/magic-links", json!({ "email": stranger.email })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&stranger.email) });
    app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);

    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM identities").await, 0);
}

/// "nOAuth": the administrator of a tenant of Microsoft writes the victim's address into an account there.
#[tokio::test]
async fn noauth_address_of_microsoft_opens_no_account() {
    let (microsoft, tenant) = (Issuer::start().await, Uuid::new_v4());
    microsoft.publish(&json!({ "issuer": format!("{}/{{tenantid}}/v2.0", microsoft.url()) }));
    let app = app_with(&[("microsoft", microsoft.credentials())], &[]).await;
    let victim = app.verified_person("Ada").await;
    let iss = format!("{}/{tenant}/v2.0", microsoft.url());
    let claims = json!({ "iss": iss, "tid": tenant, "email": victim.email, "email_verified": true });

    let answer = sign_in_with(&app.client(), "microsoft", &microsoft, "stranger", &claims).await;

    answer.refused(409, "account-exists");
    let about = app.mails().iter().filter(|mail| mail.subject.contains("way to sign in")).count();
    assert_eq!(about, 0, "the victim gets no link that lets the stranger in");

    // A new account of such a person has an unverified address.
    let own = json!({ "iss": iss, "tid": tenant, "email": "grace@tenant.example", "email_verified": true });
    let new = sign_in_with(&app.client(), "microsoft", &microsoft, "grace", &own).await.ok(201);
    assert_eq!(new.body["data"]["user"]["emailVerified"], false);
}

#[tokio::test]
async fn tenants_of_microsoft_are_different_issuers() {
    let microsoft = Issuer::start().await;
    microsoft.publish(&json!({ "issuer": format!("{}/{{tenantid}}/v2.0", microsoft.url()) }));
    let app = app_with(&[("microsoft", microsoft.credentials())], &[]).await;
    let sign_in = async |tenant: Value, iss: String, email: &str| {
        let claims = json!({ "iss": iss, "tid": tenant, "email": email });
        let flow = AtProvider::begin(&app.client(), "microsoft", "").await;
        let back = flow.come_back_as(&app, &microsoft, "same-subject", &claims).await;
        (flow, back)
    };
    let issuer = |tenant: &str| format!("{}/{tenant}/v2.0", microsoft.url());
    let (one, other) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let mut ids = Vec::new();
    for (tenant, email) in [(&one, "a@tenants.example"), (&other, "b@tenants.example")] {
        let (flow, back) = sign_in(json!(tenant), issuer(tenant), email).await;
        let signed_in = flow.browser.post(EXCHANGE, json!({ "code": code(&back) })).await.ok(201);
        ids.push(signed_in.text("/data/user/id").to_owned());
    }
    assert_ne!(ids[0], ids[1], "the same subject of two tenants is two people");
    // The tenant is compared with the issuer, and is an id: no path, no placeholder.
    for (tenant, iss) in [
        (json!(one), issuer(&other)),
        (Value::Null, issuer("{tenantid}")),
        (json!("{tenantid}"), issuer("{tenantid}")),
        (json!("../x"), issuer("../x")),
        (json!(one.to_uppercase()), issuer(&one.to_uppercase())),
    ] {
        let (_, back) = sign_in(tenant, iss, "c@tenants.example").await;
        assert_eq!(error(&back), "provider-answer-not-valid");
    }
}

/// Links an identity to the account of `client`.
async fn link(
    app: &TestApp,
    client: &harness::Client<'_>,
    issuer: &Issuer,
    subject: &str,
) -> harness::Answer {
    let begun = client.post("/v1/auth/accounts", json!({ "provider": "acme" })).await.ok(201);
    let (_, query) = begun.text("/data/authorizationUrl").split_once('?').expect("a query");
    let flow = AtProvider::begin(client, "acme", &format!("?{query}")).await;
    let back = flow.come_back_as(app, issuer, subject, &json!({})).await;
    flow.browser.post(EXCHANGE, json!({ "code": code(&back) })).await
}
