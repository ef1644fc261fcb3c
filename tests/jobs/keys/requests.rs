//! Requests work during rotations, on instances that have read the keys at different times.

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use harness::{Answer, Client, TestApp};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{Keys, ROTATION_INTERVAL, current};

/// A user whose requests go to any instance.
struct Visitor {
    email: String,
    access: String,
    refresh: String,
    /// Created with an `Idempotency-Key`, and requested repeatedly.
    organization: String,
}

const ONCE: &str = "the-same-request";

impl Visitor {
    async fn register(at: &TestApp) -> Self {
        let ada = at.verified_person("Ada").await;
        let once = ada.client.with("idempotency-key", ONCE);
        let made = once.post("/v1/organizations", json!({ "name": "Engines" })).await;
        let organization = made.ok(201).text("/data/id").to_owned();
        Self {
            email: ada.email.clone(),
            access: ada.access_token.clone(),
            refresh: ada.refresh_token.clone(),
            organization,
        }
    }

    /// Checks that all requests to one instance work.
    async fn check_calls(&mut self, at: &TestApp) {
        let me = at.client().token(&self.access);
        me.get("/v1/auth/me").await.ok(200);
        let again =
            me.with("idempotency-key", ONCE).post("/v1/organizations", json!({ "name": "Engines" })).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
        assert_eq!(again.ok(201).text("/data/id"), self.organization);
        let login = json!({ "email": self.email, "password": harness::PASSWORD });
        at.client().post("/v1/auth/login", login).await.ok(201);
        let set = at.client().get("/.well-known/jwks.json").await.ok(200);
        let kid = part(&self.access, 0)["kid"].clone();
        let keys = set.body["keys"].as_array().expect("keys");
        assert!(keys.iter().any(|key| key["kid"] == kid), "the key is published: {set:?}");
        self.check_refreshes(&[at]).await;
    }

    /// Refreshes at the first instance, then at the others with the same token.
    async fn check_refreshes(&mut self, at: &[&TestApp]) {
        let mut successors = Vec::new();
        for instance in at.iter().chain(at) {
            let answer = refresh(&instance.client(), &self.refresh).await.ok(200);
            successors.push(answer.text("/data/refreshToken").to_owned());
            answer.text("/data/accessToken").clone_into(&mut self.access);
        }
        successors.dedup();
        assert_eq!(successors.len(), 1, "the same successor from every instance");
        self.refresh = successors.remove(0);
    }
}

async fn refresh(client: &Client<'_>, token: &str) -> Answer {
    client.post("/v1/auth/refresh", json!({ "refreshToken": token })).await
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).expect("three parts");
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url")).expect("JSON")
}

/// Returns a token in our form, signed with any key.
fn forged(header: &Value, claims: &Value, seed: &[u8]) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("a seed");
    let signature = pair.sign(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

/// Returns the seed of the key `kid`.
fn seed(set: &Value, kid: &Value) -> Vec<u8> {
    let key = set["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == *kid).expect("the key");
    BASE64URL_NOPAD.decode(key["d"].as_str().expect("a seed").as_bytes()).expect("base64url")
}

/// Starts an instance that reads its secrets now and caches them.
async fn instance(app: &TestApp) -> TestApp {
    let instance = app.second_instance();
    instance.state.warm().await;
    Visitor::register(&instance).await;
    instance
}

#[tokio::test]
async fn no_request_fails_during_three_rotations() {
    let keys = Keys::new().await;
    let app = keys.app().await;
    let mut ada = Visitor::register(&app).await;
    for _ in 1..=3 {
        let mut instances = vec![instance(&app).await];
        let versions = keys.rotating().map(|arn| keys.begin(arn));
        let access = ada.access.clone();
        for step in super::STEPS {
            for (arn, version) in keys.rotating().into_iter().zip(&versions) {
                keys.step(step, arn, version).await.unwrap_or_else(|error| panic!("{step}: {error}"));
            }
            instances.push(instance(&app).await);
            for instance in &instances {
                ada.check_calls(instance).await;
            }
        }
        let forth: Vec<&TestApp> = instances.iter().collect();
        let back: Vec<&TestApp> = instances.iter().rev().collect();
        ada.check_refreshes(&forth).await;
        ada.check_refreshes(&back).await;
        for instance in &instances {
            let mut bob = Visitor::register(instance).await;
            for other in &instances {
                bob.check_calls(other).await;
                other.client().token(&access).get("/v1/auth/me").await.ok(200);
            }
        }
        // The shortest time between two rotations is an hour.
        keys.age(ROTATION_INTERVAL).await;
        app.clock.advance(ROTATION_INTERVAL);
        ada.check_refreshes(&[&instances[0], &app.second_instance()]).await;
    }
}

#[tokio::test]
async fn access_token_is_valid_after_a_rotation_until_it_expires() {
    let keys = Keys::new().await;
    let app = keys.app().await;
    let ada = app.person("Ada").await;
    keys.rotate(&keys.signing).await;
    let after = instance(&app).await;
    app.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    for instance in [&app, &after] {
        instance.client().token(&ada.access_token).get("/v1/auth/me").await.ok(200);
    }
    app.clock.advance(TimeDelta::seconds(1));
    for instance in [&app, &after] {
        let answer = instance.client().token(&ada.access_token).get("/v1/auth/me").await;
        answer.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn dropped_or_foreign_key_is_refused() {
    let keys = Keys::new().await;
    let app = keys.app().await;
    let ada = app.person("Ada").await;
    let (header, claims) = (part(&ada.access_token, 0), part(&ada.access_token, 1));
    let old = seed(&current(&keys.signing).await, &header["kid"]);
    // Control: a token signed with the current key is accepted.
    app.client().token(&forged(&header, &claims, &old)).get("/v1/auth/me").await.ok(200);

    let month = TimeDelta::days(30);
    for arn in keys.rotating() {
        keys.rotate(arn).await;
    }
    keys.age(month).await;
    for arn in keys.rotating() {
        keys.rotate(arn).await;
    }
    let after = instance(&app).await;
    let stranger = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "0b5d1f6e-0000-4000-8000-000000000000" });
    let now = current(&keys.signing).await;
    let kept = super::by_status(&now)["current"].clone();
    let renamed = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kept });
    for (name, token) in [
        ("the dropped key", forged(&header, &claims, &old)),
        ("a token that the dropped key signed", ada.access_token.clone()),
        ("the dropped key with another kid", forged(&renamed, &claims, &old)),
        ("a forged key", forged(&stranger, &claims, &[7; 32])),
        ("a forged key with another kid", forged(&renamed, &claims, &[7; 32])),
    ] {
        let answer = after.client().token(&token).get("/v1/auth/me").await;
        assert_eq!(answer.status, 401, "{name}");
    }
    after.client().token(&forged(&renamed, &claims, &seed(&now, &kept))).get("/v1/auth/me").await.ok(200);
    refresh(&after.client(), &ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let ended = app.database.value::<i64>("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL").await;
    assert_eq!(ended, 0, "an unreadable token ends no session");
}

#[tokio::test]
async fn refresh_token_is_valid_after_two_rotations() {
    let keys = Keys::new().await;
    let app = keys.app().await;
    let ada = app.person("Ada").await;
    keys.rotate(&keys.auth).await;
    keys.age(ROTATION_INTERVAL).await;
    keys.rotate(&keys.auth).await;
    let after = instance(&app).await;
    let answer = refresh(&after.client(), &ada.refresh_token).await.ok(200);
    refresh(&after.client(), answer.text("/data/refreshToken")).await.ok(200);
}
