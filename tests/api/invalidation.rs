//! An ended session stops at its next request, and a changed account is seen changed, for every route that ends or changes one.
//! This also holds when the answer to COMMIT is lost, so that the function does not know whether it happened.

use harness::{
    Authenticator, PASSWORD, Person, TestApp, Wire,
    browser::Browser,
    function_settings,
    sign_in::{AtProvider, code},
};
use serde_json::{Value, json};
use shared::domain::clock::Clock;

const ME: &str = "/v1/auth/me";

/// Routes that end a session.
const ENDS: [&str; 19] = [
    "logout",
    "logout-all",
    "revoke-session",
    "refresh-token-reuse",
    "change-password",
    "reset-password",
    "magic-link",
    "provider",
    "undo-email-change",
    "reject-link",
    "reject-sign-in",
    "confirm-totp",
    "remove-user-factors",
    "delete-me",
    "revoke-user-sessions",
    "suspend-user",
    "recover-user",
    "delete-user",
    "erase-user",
];

/// Routes that change an account without ending its sessions.
const CHANGES: [&str; 11] = [
    "update-me",
    "verify-email",
    "confirm-email",
    "change-password",
    "remove-password",
    "confirm-totp",
    "remove-totp",
    "update-user",
    "place-legal-hold",
    "lift-legal-hold",
    "lift-mail-suppression",
];

/// A user with two sessions, and an administrator.
struct Scene<'a> {
    app: &'a TestApp,
    ada: Person<'a>,
    phone: Person<'a>,
    root: Person<'a>,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let ada = app.person("Ada").await;
        let (phone, root) = (ada.sign_in_again().await, app.administrator("Root").await);
        Self { app, ada, phone, root }
    }

    /// Ends the session of the phone through `instance`. Everything else is done through the first instance.
    async fn end(&self, route: &str, instance: &TestApp) {
        let (ada, phone, root) = (
            instance.client().token(&self.ada.access_token),
            instance.client().token(&self.phone.access_token),
            instance.client().token(&self.root.access_token),
        );
        let user = format!("/v1/users/{}", self.ada.id);
        match route {
            "logout" => phone.post_nothing("/v1/auth/logout").await,
            "logout-all" => ada.post_nothing("/v1/auth/logout-all").await,
            "revoke-session" => ada.delete(&format!("/v1/auth/sessions/{}", self.phone.session)).await,
            "refresh-token-reuse" => {
                self.phone.refresh(&self.phone.refresh_token).await.ok(200);
                self.app.clock.advance(chrono::TimeDelta::seconds(11));
                let stolen = json!({ "refreshToken": self.phone.refresh_token });
                instance.client().post("/v1/auth/refresh", stolen).await
            }
            "change-password" => {
                let body =
                    json!({ "currentPassword": PASSWORD, "newPassword": "an entirely different phrase" });
                ada.post("/v1/auth/change-password", body).await
            }
            "reset-password" => {
                let email = json!({ "email": self.ada.email });
                self.app.client().post("/v1/auth/forgot-password", email).await.ok(202);
                let token = self.app.token_mailed_to(&self.ada.email);
                let body = json!({ "token": token, "newPassword": "an entirely different phrase" });
                instance.client().post("/v1/auth/reset-password", body).await
            }
            "magic-link" => {
                let email = json!({ "email": self.ada.email });
                self.app.client().post("/v1/auth/magic-links", email).await.ok(202);
                let token = json!({ "token": self.app.token_mailed_to(&self.ada.email) });
                instance.client().post("/v1/auth/magic-links/verify", token).await
            }
            "provider" => {
                // As at a provider whose clock is not this one's.
                let persona = self.ada.email.split('@').next().expect("a name").replace('.', "-");
                let address =
                    format!("UPDATE users SET email = '{persona}@providers.example' WHERE name = 'Ada'");
                sqlx::query(sqlx::AssertSqlSafe(address))
                    .execute(self.app.database.pool())
                    .await
                    .expect("an address");
                let flow = AtProvider::begin(&self.app.client(), "github", "").await;
                let back = Browser::default().choose(&flow.url, &persona).await;
                let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
                let body = json!({ "code": code(&flow.browser.get(&path).await) });
                let browser = instance.client().with("cookie", &flow.cookie);
                browser.post("/v1/auth/oauth/exchange", body).await
            }
            "undo-email-change" => {
                self.app.database.execute("UPDATE users SET email_verified_at = created_at").await;
                let body = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
                self.ada.client.post("/v1/auth/change-email", body).await.ok(202);
                let token = json!({ "token": self.app.token_mailed_to("countess@example.com") });
                self.ada.client.post("/v1/auth/confirm-email", token).await.ok(204);
                let token = json!({ "token": self.app.token_mailed_to(&self.ada.email) });
                instance.client().post("/v1/auth/undo-email-change", token).await
            }
            "reject-link" => {
                let token = json!({ "token": self.app.token_mailed_to(&self.ada.email) });
                instance.client().post("/v1/auth/reject-link", token).await
            }
            "reject-sign-in" => {
                self.ada.verify_address().await;
                self.ada.sign_in_elsewhere().await;
                let token = json!({ "token": self.app.token_mailed_to(&self.ada.email) });
                instance.client().post("/v1/auth/reject-sign-in", token).await
            }
            "confirm-totp" => {
                let code = self.started_totp().await;
                ada.post("/v1/auth/totp/confirm", code).await
            }
            "remove-user-factors" => {
                self.app.database.execute("UPDATE users SET second_factor_at = created_at").await;
                root.delete(&format!("{user}/factors")).await
            }
            "delete-me" => ada.delete_with(ME, json!({ "currentPassword": PASSWORD })).await,
            "revoke-user-sessions" => root.delete(&format!("{user}/sessions")).await,
            "suspend-user" => root.post(&format!("{user}/suspend"), json!({ "reason": "the test" })).await,
            "recover-user" => root.post(&format!("{user}/recover"), json!({})).await,
            "delete-user" => root.delete(&user).await,
            "erase-user" => root.post_nothing(&format!("{user}/erase")).await,
            other => panic!("no such route: {other}"),
        };
    }

    /// Changes Ada's account through `instance`. Everything else is done through the first instance.
    async fn change(&self, route: &str, instance: &TestApp) {
        let (ada, root) = (
            instance.client().token(&self.ada.access_token),
            instance.client().token(&self.root.access_token),
        );
        let user = format!("/v1/users/{}", self.ada.id);
        let hold = format!("{user}/legal-hold");
        match route {
            "update-me" => ada.patch(ME, json!({ "name": "Countess" })).await,
            "verify-email" => {
                let token = json!({ "token": self.app.token_mailed_to(&self.ada.email) });
                instance.client().post("/v1/auth/verify-email", token).await
            }
            "confirm-email" => {
                let body = json!({ "newEmail": "countess@example.com", "currentPassword": PASSWORD });
                self.ada.client.post("/v1/auth/change-email", body).await.ok(202);
                let token = self.app.token_mailed_to("countess@example.com");
                let proof = json!({ "token": token, "currentPassword": PASSWORD });
                instance.client().post("/v1/auth/confirm-email", proof).await
            }
            "change-password" => {
                let body =
                    json!({ "currentPassword": PASSWORD, "newPassword": "an entirely different phrase" });
                ada.post("/v1/auth/change-password", body).await
            }
            "remove-password" => ada.delete("/v1/auth/accounts/password").await,
            "confirm-totp" => {
                let code = self.started_totp().await;
                ada.post("/v1/auth/totp/confirm", code).await
            }
            "remove-totp" => ada.delete("/v1/auth/totp").await,
            "update-user" => root.patch(&user, json!({ "name": "Countess" })).await,
            "place-legal-hold" => root.post(&hold, json!({ "reason": "the test" })).await,
            "lift-legal-hold" => root.delete(&hold).await,
            "lift-mail-suppression" => root.delete(&format!("{user}/mail-suppression")).await,
            other => panic!("no such route: {other}"),
        };
    }

    /// Begins to add an authenticator app. Returns the body that confirms it.
    async fn started_totp(&self) -> Value {
        let proved = "UPDATE users SET email_verified_at = created_at, password_proved = true";
        self.app.database.execute(proved).await;
        let started = self.ada.client.post_nothing("/v1/auth/totp").await.ok(201);
        let authenticator = Authenticator::new(started.text("/data/secret"));
        json!({ "code": authenticator.code_at(self.app.clock.now()) })
    }

    /// Sets up what a change needs, before the account is cached.
    async fn prepare(&self, route: &str) {
        if route == "remove-password" {
            self.ada.verify_address().await;
        }
        if route == "remove-totp" {
            self.started_totp().await;
        }
        if route == "lift-mail-suppression" {
            self.app.stop_mail(&self.ada.email, "bounce").await;
        }
        if route == "lift-legal-hold" {
            let hold = format!("/v1/users/{}/legal-hold", self.ada.id);
            self.root.client.post(&hold, json!({ "reason": "the test" })).await.ok(200);
        }
    }
}

/// Starts another instance, and the proxy that can lose the answers to its COMMITs.
async fn instance_losing_commits(app: &TestApp) -> (TestApp, Wire) {
    let wire = Wire::to(&function_settings(&app.database)["DATABASE_URL"]).await;
    (app.second_instance_with(&[("DATABASE_URL", &*wire.url)]), wire)
}

/// Ends the session of the phone by `route`, then checks that it is refused.
async fn check_session_ended(route: &str, lose: bool) {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let (instance, wire) = instance_losing_commits(&app).await;
    instance.client().token(&scene.root.access_token).get(ME).await.ok(200);
    instance.client().token(&scene.ada.access_token).get(ME).await.ok(200);
    scene.phone.client.get(ME).await.ok(200);
    if lose {
        wire.lose_commits();
    }
    scene.end(route, &instance).await;
    assert_eq!(wire.lost() > 0, lose, "{route}");
    scene.phone.client.get(ME).await.refused(401, "unauthenticated");
}

/// Changes the account by `route`, then checks that the change is seen.
async fn check_account_changed(route: &str, lose: bool) {
    let app = TestApp::new().await;
    let scene = Scene::new(&app).await;
    let (instance, wire) = instance_losing_commits(&app).await;
    scene.prepare(route).await;
    instance.client().token(&scene.root.access_token).get(ME).await.ok(200);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let look = async || {
        let shown = scene.ada.client.get(ME).await.ok(200);
        (shown.header("etag").to_owned(), shown.body["data"].clone())
    };
    let before = look().await;
    if lose {
        wire.lose_commits();
    }
    scene.change(route, &instance).await;
    assert_eq!(wire.lost() > 0, lose, "{route}");
    assert_ne!(look().await, before, "{route}");
}

#[tokio::test]
async fn session_ended_by_any_route_stops_at_its_next_request() {
    for route in ENDS {
        check_session_ended(route, false).await;
    }
}

#[tokio::test]
async fn session_ended_by_any_route_stops_even_if_the_commit_answer_is_lost() {
    for route in ENDS {
        check_session_ended(route, true).await;
    }
}

#[tokio::test]
async fn account_changed_by_any_route_is_seen_changed() {
    for route in CHANGES {
        check_account_changed(route, false).await;
    }
}

#[tokio::test]
async fn account_changed_by_any_route_is_seen_changed_even_if_the_commit_answer_is_lost() {
    for route in CHANGES {
        check_account_changed(route, true).await;
    }
}
