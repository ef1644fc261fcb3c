//! How many round trips each operation makes to Redis and to PostgreSQL, counted on the wire and compared with
//! `docs/round-trips.md`. In AWS each costs 0.3 ms to Redis and 0.8 ms to PostgreSQL.

use std::{collections::BTreeMap, fs, path::Path};

use axum::http::Method;
use chrono::TimeDelta;
use harness::{
    Answer, Authenticator, Bystanders, PASSWORD, Passkey, Person, TestApp, Wire,
    browser::Browser,
    document, function_settings,
    sign_in::{AtProvider, code},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bystanders::LISTS;

/// Not counted: these make no requests to the services, or do not pass the gate.
const LEFT_OUT: [&str; 5] = ["config", "health", "jwks", "openapi", "ready"];

pub struct Counter<'a> {
    /// Checked after each operation.
    pub bystanders: Option<Bystanders>,
    app: &'a TestApp,
    wired: TestApp,
    redis: Wire,
    postgres: Wire,
    rows: BTreeMap<String, [usize; 2]>,
    /// Of the next request. It begins with `?`.
    query: String,
    /// The answer to the last request.
    last: Option<Answer>,
}

impl<'a> Counter<'a> {
    pub async fn new(app: &'a TestApp) -> Self {
        let own = function_settings(&app.database);
        let (redis, postgres) = (Wire::to(&own["REDIS_URL"]).await, Wire::to(&own["DATABASE_URL"]).await);
        let wired = app.second_instance_with(&[("REDIS_URL", &*redis.url), ("DATABASE_URL", &*postgres.url)]);
        wired.state.app.db.transaction_as(async |_| Ok(())).await.expect("a connection");
        Self {
            bystanders: None,
            app,
            wired,
            redis,
            postgres,
            rows: BTreeMap::new(),
            query: String::new(),
            last: None,
        }
    }

    /// Counts the operation `id` for a person in a new session that the cache knows.
    async fn by(
        &mut self,
        person: &Person<'_>,
        id: &str,
        ids: &[(&str, &str)],
        body: Option<Value>,
    ) -> Value {
        let token = person.sign_in_again().await.access_token;
        self.count(id, id, &[("authorization", &format!("Bearer {token}"))], ids, body).await
    }

    /// Counts the operation `id` for a sender without a session.
    async fn public(&mut self, id: &str, body: Value) -> Value {
        self.count(id, id, &[], &[], Some(body)).await
    }

    async fn count(
        &mut self,
        row: &str,
        id: &str,
        headers: &[(&str, &str)],
        ids: &[(&str, &str)],
        body: Option<Value>,
    ) -> Value {
        let operation = document::operations().into_iter().find(|operation| operation.id == id);
        let operation = operation.unwrap_or_else(|| panic!("no operation {id}"));
        let path = operation.path_with(|name| {
            let (_, value) = ids.iter().find(|(known, _)| *known == name).expect("an id for the path");
            (*value).to_owned()
        });
        let mut client = self.wired.client();
        for (name, value) in headers {
            client = client.with(name, value);
        }
        if let Some((_, artifact)) = ids.iter().find(|(name, _)| *name == "artifactId") {
            self.app.prepare_artifact(id, artifact).await;
        }
        if let Some((_, conversation)) = ids.iter().find(|(name, _)| *name == "conversationId") {
            self.app.prepare_conversation(id, conversation).await;
        }
        // Caches the session and the profile.
        client.get("/v1/auth/me").await;
        self.redis.reset();
        self.postgres.reset();
        let asked = path.clone() + &std::mem::take(&mut self.query);
        let answer = client.call(&operation.method, &asked, body.as_ref()).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{id}: {answer:?}");
        self.last = Some(answer.clone());
        self.rows.insert(row.to_owned(), [self.redis.round_trips(), self.postgres.round_trips()]);
        if let Some(bystanders) = &self.bystanders {
            bystanders.are_unchanged(self.app, id).await;
            // Administrators see everyone.
            if !operation.path.starts_with("/v1/users") && operation.path != "/v1/audit-events" {
                bystanders.are_not_in(&answer, id);
                for query in LISTS.iter().filter(|_| operation.method == Method::GET) {
                    bystanders.are_not_in(&client.get(&format!("{path}?{query}")).await, id);
                }
            }
        }
        answer.body
    }

    /// Counts the operations below `prefix` that are not counted yet, with the body that the document shows. What deletes is
    /// counted last.
    async fn rest(&mut self, person: &Person<'_>, prefix: &str, ids: &[(&str, &str)]) {
        let mut operations = document::operations();
        let is_known = |id: &str| self.rows.contains_key(id) || LEFT_OUT.contains(&id);
        operations.retain(|operation| operation.path.starts_with(prefix) && !is_known(&operation.id));
        operations.sort_by_key(|operation| operation.method == Method::DELETE);
        for operation in operations {
            self.by(person, &operation.id, ids, operation.body).await;
        }
    }

    /// Counts every operation.
    pub async fn count_all(&mut self) {
        accounts(self).await;
        organizations(self).await;
        users(self).await;
        let zoe = self.app.person("Zoe").await;
        self.rest(&zoe, "/v1/", &[]).await;
        let is_known = |id: &str| self.rows.contains_key(id) || LEFT_OUT.contains(&id);
        let all = document::operations().into_iter().map(|operation| operation.id);
        let missing: Vec<_> = all.filter(|id| !is_known(id)).collect();
        assert!(missing.is_empty(), "count these operations too: {missing:?}");
    }

    /// Returns the token in the newest mail that the counted functions sent.
    fn mailed(&self, email: &str) -> String {
        self.wired.token_mailed_to(email)
    }
}

async fn accounts(counter: &mut Counter<'_>) {
    let app = counter.app;
    let new = json!({ "name": "New", "email": "new@example.com", "password": PASSWORD });
    counter.public("register", new).await;
    let token = counter.mailed("new@example.com");
    counter.public("verify_email", json!({ "token": token })).await;

    let ada = app.person("Ada").await;
    counter.public("login", json!({ "email": ada.email, "password": PASSWORD })).await;
    counter.public("refresh", json!({ "refreshToken": ada.refresh_token })).await;
    counter.by(&ada, "request_verification", &[], None).await;
    counter.by(&ada, "show_me", &[], None).await;
    counter.by(&ada, "update_me", &[], Some(json!({ "name": "Countess" }))).await;
    counter.by(&ada, "export_me", &[], None).await;
    counter.by(&ada, "list_sessions", &[], None).await;
    counter.by(&ada, "show_session", &[("id", &ada.session)], None).await;
    counter.by(&ada, "revoke_session", &[("id", &ada.session)], None).await;
    counter.by(&ada, "list_accounts", &[], None).await;
    counter.by(&ada, "logout", &[], None).await;
    counter.by(&ada, "reauthenticate", &[], Some(json!({ "currentPassword": PASSWORD }))).await;
    let passwords = json!({ "currentPassword": PASSWORD, "newPassword": PASSWORD });
    counter.by(&ada, "change_password", &[], Some(passwords)).await;
    let address = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
    counter.by(&ada, "change_email", &[], Some(address)).await;
    let token = counter.mailed("countess@example.com");
    counter.public("confirm_email", json!({ "token": token, "currentPassword": PASSWORD })).await;
    accounts_by_mail(counter).await;

    second_factors(counter).await;
    passkeys(counter).await;

    let bob = app.verified_person("Bob").await;
    counter.public("create_magic_link", json!({ "email": bob.email })).await;
    let token = counter.mailed(&bob.email);
    counter.public("verify_magic_link", json!({ "token": token })).await;
    counter.public("forgot_password", json!({ "email": bob.email })).await;
    let token = counter.mailed(&bob.email);
    counter.public("reset_password", json!({ "token": token, "newPassword": PASSWORD })).await;
    counter.by(&bob, "logout_all", &[], None).await;
    counter.by(&bob, "remove_account", &[("id", "password")], None).await;
    let gone = app.person("Gone").await;
    counter.by(&gone, "delete_me", &[], Some(json!({ "currentPassword": PASSWORD }))).await;
    providers(counter).await;
    let zoe = app.person("Zoe").await;
    counter.rest(&zoe, "/v1/auth/", &[("id", &zoe.session)]).await;
}

/// Sign-ins with a provider that has no ID tokens, because the clock of these tests stands still.
async fn providers(counter: &mut Counter<'_>) {
    let app = counter.app;
    let at = [("provider", "github")];
    counter.count("authorize_provider", "authorize_provider", &[], &at, None).await;
    let persona = Uuid::new_v4().simple().to_string();
    for row in ["exchange_provider_code, a new person", "exchange_provider_code"] {
        let flow = AtProvider::begin(&app.client(), "github", "").await;
        let back = Browser::default().choose(&flow.url, &persona).await;
        counter.query = format!("?{}", back.query().unwrap_or_default());
        let headers = [("cookie", flow.cookie.as_str())];
        counter.count("provider_callback", "provider_callback", &headers, &at, None).await;
        let body = json!({ "code": code(counter.last.as_ref().expect("an answer")) });
        counter.count(row, "exchange_provider_code", &headers, &[], Some(body)).await;
    }
    let ada = app.person("Ada").await;
    counter.by(&ada, "create_account", &[], Some(json!({ "provider": "github" }))).await;

    let persona = Uuid::new_v4().simple().to_string();
    let email = format!("{persona}@providers.example");
    let new = json!({ "name": "Owner", "email": email, "password": PASSWORD });
    app.client().post("/v1/auth/register", new).await.ok(201);
    let token = json!({ "token": app.token_mailed_to(&email) });
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
    let flow = AtProvider::begin(&app.client(), "github", "").await;
    let back = Browser::default().choose(&flow.url, &persona).await;
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    let body = json!({ "code": code(&flow.browser.get(&path).await) });
    flow.browser.post("/v1/auth/oauth/exchange", body).await.refused(409, "account-exists");
    counter.public("link_identity", json!({ "token": app.token_mailed_to(&email) })).await;
}

/// What a user with an authenticator app does.
async fn second_factors(counter: &mut Counter<'_>) {
    let (app, cy) = (counter.app, counter.app.verified_person("Cy").await);
    let token = format!("Bearer {}", cy.access_token);
    let headers = [("authorization", &*token)];
    let started = counter.count("start_totp", "start_totp", &headers, &[], None).await;
    let authenticator = Authenticator::new(started["data"]["secret"].as_str().expect("a secret"));
    let code = json!({ "code": app.next_code(&authenticator) });
    counter.count("confirm_totp", "confirm_totp", &headers, &[], Some(code)).await;
    counter.count("show_recovery_codes", "show_recovery_codes", &headers, &[], None).await;
    let made = counter.count("create_recovery_codes", "create_recovery_codes", &headers, &[], None).await;

    let login = json!({ "email": cy.email, "password": PASSWORD });
    let first = counter.count("login, second factor", "login", &[], &[], Some(login)).await;
    let code = app.next_code(&authenticator);
    let answer = json!({ "token": first["data"]["challenge"]["token"], "code": code });
    counter.public("verify_challenge", answer).await;
    let answer =
        json!({ "token": app.challenge(&cy.email).await, "recoveryCode": made["data"]["recoveryCodes"][0] });
    let row = "verify_challenge, recovery code";
    counter.count(row, "verify_challenge", &[], &[], Some(answer)).await;
    let code = json!({ "code": app.next_code(&authenticator) });
    let row = "reauthenticate, second factor";
    counter.count(row, "reauthenticate", &headers, &[], Some(code)).await;
    counter.count("remove_totp", "remove_totp", &headers, &[], None).await;
}

/// What a user with a passkey does.
async fn passkeys(counter: &mut Counter<'_>) {
    let (app, ida) = (counter.app, counter.app.verified_person("Ida").await);
    let token = format!("Bearer {}", ida.access_token);
    let headers = [("authorization", &*token)];
    let begun = counter.count("begin_passkey", "begin_passkey", &headers, &[], None).await;
    let options = &begun["data"]["publicKey"];
    let passkey = Passkey::new(options);
    let credential = passkey.create(options, |_| ());
    let new = json!({ "token": begun["data"]["token"], "name": "Phone", "credential": credential });
    let added = counter.count("add_passkey", "add_passkey", &headers, &[], Some(new)).await;

    let begun = counter.count("begin_passkey_sign_in", "begin_passkey_sign_in", &[], &[], None).await;
    let credential = passkey.sign(&begun["data"]["publicKey"], |_| ());
    let proof = json!({ "token": begun["data"]["token"], "credential": credential });
    let proved = counter.count("sign_in_with_passkey", "sign_in_with_passkey", &[], &[], Some(proof)).await;
    let code = json!({ "passkeyCode": proved["data"]["passkeyCode"] });
    let row = "exchange_provider_code, passkey";
    counter.count(row, "exchange_provider_code", &[], &[], Some(code)).await;
    let code = json!({ "passkeyCode": app.client().passkey_code(&passkey).await });
    counter.count("reauthenticate, passkey", "reauthenticate", &headers, &[], Some(code)).await;

    let at = [("id", added["data"]["id"].as_str().expect("an id"))];
    let name = Some(json!({ "name": "Old phone" }));
    counter.count("update_passkey", "update_passkey", &headers, &at, name).await;
    counter.count("remove_passkey", "remove_passkey", &headers, &at, None).await;
}

/// What the reader of an old or a mistaken address does.
async fn accounts_by_mail(counter: &mut Counter<'_>) {
    let owner = counter.app.verified_person("Owner").await;
    let wish = json!({ "newEmail": "moved@example.com", "currentPassword": PASSWORD });
    owner.client.post("/v1/auth/change-email", wish).await.ok(202);
    let token = json!({ "token": counter.app.token_mailed_to("moved@example.com") });
    owner.client.post("/v1/auth/confirm-email", token).await.ok(204);
    let token = counter.app.token_mailed_to(&owner.email);
    counter.public("undo_email_change", json!({ "token": token })).await;
    let robbed = counter.app.verified_person("Robbed").await;
    robbed.sign_in_elsewhere().await;
    let token = counter.app.token_mailed_to(&robbed.email);
    counter.public("reject_sign_in", json!({ "token": token })).await;
    let stranger = counter.app.person("Stranger").await;
    let token = counter.app.token_mailed_to(&stranger.email);
    counter.public("reject_link", json!({ "token": token })).await;
}

async fn organizations(counter: &mut Counter<'_>) {
    let app = counter.app;
    let (ada, bob, eve) = (
        app.verified_person("Ada").await,
        app.verified_person("Bob").await,
        app.verified_person("Eve").await,
    );
    counter.by(&ada, "list_organizations", &[], None).await;
    let made = counter.by(&ada, "create_organization", &[], Some(json!({ "name": "Engines" }))).await;
    let token = format!("Bearer {}", ada.sign_in_again().await.access_token);
    let headers = [("authorization", &*token), ("idempotency-key", "once")];
    let body = Some(json!({ "name": "Once" }));
    let row = "create_organization, Idempotency-Key";
    counter.count(row, "create_organization", &headers, &[], body).await;

    let organization = made["data"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/organizations/{organization}");
    let here: &[(&str, &str)] = &[("organizationId", &organization)];
    counter.by(&ada, "show_organization", here, None).await;
    counter.by(&ada, "update_organization", here, Some(json!({ "name": "Machines" }))).await;
    counter.by(&ada, "list_organization_audit_events", here, None).await;

    let invitation = json!({ "email": bob.email, "role": "member" });
    counter.by(&ada, "create_invitation", here, Some(invitation)).await;
    let token = json!({ "token": counter.mailed(&bob.email) });
    counter.by(&bob, "accept_invitation", &[], Some(token)).await;
    let declined = ada.invite(&path, &eve.email, "member").await;
    let id = [here, &[("invitationId", &*declined.id)]].concat();
    counter.by(&ada, "list_invitations", here, None).await;
    counter.by(&ada, "show_invitation", &id, None).await;
    counter.by(&eve, "decline_invitation", &[], Some(json!({ "token": declined.token }))).await;
    let revoked = ada.invite(&path, &eve.email, "member").await;
    let id = [here, &[("invitationId", &*revoked.id)]].concat();
    counter.by(&ada, "revoke_invitation", &id, None).await;

    let member = [here, &[("memberId", &*bob.id)]].concat();
    counter.by(&ada, "list_members", here, None).await;
    counter.by(&ada, "show_member", &member, None).await;
    counter.by(&ada, "update_member", &member, Some(json!({ "role": "admin" }))).await;
    counter.by(&ada, "delete_member", &member, None).await;

    let key = json!({ "name": "Key", "scopes": ["members:read"] });
    let made = counter.by(&ada, "create_api_key", here, Some(key)).await;
    let secret = made["data"]["key"].as_str().expect("a key");
    for row in ["list_members, first use of an API key", "list_members, API key"] {
        counter.count(row, "list_members", &[("x-api-key", secret)], here, None).await;
    }
    app.clock.advance(TimeDelta::minutes(1));
    let row = "list_members, first use of an API key in a minute";
    counter.count(row, "list_members", &[("x-api-key", secret)], here, None).await;
    let key = [here, &[("apiKeyId", made["data"]["id"].as_str().expect("an id"))]].concat();
    counter.by(&ada, "list_api_keys", here, None).await;
    counter.by(&ada, "show_api_key", &key, None).await;
    counter.by(&ada, "update_api_key", &key, Some(json!({ "name": "Renamed" }))).await;
    counter.by(&ada, "rotate_api_key", &key, Some(json!({}))).await;
    counter.by(&ada, "revoke_api_key", &key, None).await;
    searches(counter, &ada, here).await;
    let spare = ada.create_organization("Spare").await;
    ada.client.delete(&spare).await.ok(200);
    let spare = spare.rsplit('/').next().expect("an id");
    counter.by(&ada, "restore_organization", &[("organizationId", spare)], None).await;
    let root = app.administrator("Root").await;
    let limit = Some(json!({ "requestsPerWindow": 1000 }));
    counter.by(&root, "set_organization_rate_limit", here, limit.clone()).await;
    let limited = ada.create_key(&path, &["members:read"]).await;
    let key = [here, &[("apiKeyId", &*limited.id)]].concat();
    counter.by(&root, "set_api_key_rate_limit", &key, limit).await;
    let things = ada.create_everything(&path).await;
    let things = things.iter().map(|(parameter, id)| (&**parameter, &**id));
    let things: Vec<_> = things.chain([("organizationId", &*organization), ("memberId", &*ada.id)]).collect();
    counter.rest(&ada, "/v1/organizations/{organizationId}/", &things).await;
    counter.by(&ada, "delete_organization", here, None).await;
}

async fn searches(counter: &mut Counter<'_>, person: &Person<'_>, here: &[(&str, &str)]) {
    let token = format!("Bearer {}", person.sign_in_again().await.access_token);
    for (row, body) in [
        ("search, the first of a month", json!({ "query": "engine" })),
        ("search", json!({ "query": "an engine" })),
        ("search, with a cached vector", json!({ "query": "an engine" })),
        ("search, by words", json!({ "query": "engine", "mode": "keyword" })),
    ] {
        counter.count(row, "search", &[("authorization", &token)], here, Some(body)).await;
    }
}

async fn users(counter: &mut Counter<'_>) {
    let app = counter.app;
    let (root, ada) = (app.administrator("Root").await, app.person("Ada").await);
    let user: &[(&str, &str)] = &[("userId", &ada.id)];
    let because = Some(json!({ "reason": "the test" }));
    counter.by(&root, "list_users", &[], None).await;
    counter.by(&root, "list_audit_events", &[], None).await;
    counter.by(&root, "show_user", user, None).await;
    counter.by(&root, "update_user", user, Some(json!({ "name": "Countess" }))).await;
    counter.by(&root, "export_user", user, None).await;
    counter.by(&root, "revoke_user_sessions", user, None).await;
    counter.by(&root, "suspend_user", user, because.clone()).await;
    counter.by(&root, "restore_user", user, None).await;
    counter.by(&root, "recover_user", user, Some(json!({}))).await;
    let dee = app.verified_person("Dee").await;
    dee.add_authenticator().await;
    counter.by(&root, "remove_user_factors", &[("userId", &dee.id)], None).await;
    counter.by(&root, "place_legal_hold", user, because).await;
    counter.by(&root, "lift_legal_hold", user, None).await;
    counter.by(&root, "delete_user", user, None).await;
    counter.by(&root, "erase_user", user, None).await;
    let other = app.person("Other").await;
    counter.rest(&root, "/v1/users", &[("userId", &other.id)]).await;
}

#[tokio::test]
async fn operations_make_the_documented_round_trips() {
    let app = TestApp::new().await;
    let mut counter = Counter::new(&app).await;
    counter.count_all().await;

    let table: Vec<_> = counter
        .rows
        .iter()
        .map(|(row, [redis, postgres])| format!("| {row} | {redis} | {postgres} |"))
        .collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/round-trips.md");
    let page = fs::read_to_string(page).expect("docs/round-trips.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows == table, "docs/round-trips.md should have these rows:\n{}", table.join("\n"));
}
