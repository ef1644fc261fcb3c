//! `rotate-keys`, called by Secrets Manager.

mod first;
mod floods;
pub mod proxy;
mod removed;
mod requests;
mod slow;
mod steps;

use std::collections::HashMap;

use aws_sdk_secretsmanager::Client;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use harness::{TestApp, runtime_api::Function};
use proxy::AwsProxy;
use serde_json::{Map, Value, json};
use shared::{
    aws::client,
    crypto::{
        key_set::Key,
        keyring::{KeyId, mac_key},
        seal,
    },
};
use uuid::Uuid;

pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// A little more than the shortest time between two rotations.
const ROTATION_INTERVAL: TimeDelta = TimeDelta::minutes(61);

fn random_bytes() -> Vec<u8> {
    [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat()
}

fn random_key() -> String {
    BASE64.encode(&random_bytes())
}

/// Returns a current key, and a next key that was published a while ago.
fn current_and_next(member: &str, id: impl Fn(&str) -> anyhow::Result<KeyId>) -> Value {
    let (current, next) = (random_key(), random_key());
    let published =
        json!({ id(&next).expect("a key").to_string(): { "publishedAt": "2026-01-02T03:04:05Z" } });
    json!({
        member: format!("{current},{next}"),
        format!("{member}Dates"): published,
    })
}

async fn manager() -> Client {
    Client::new(client::config().await)
}

/// The secrets of a deployment, and the function that rotates them.
struct Keys {
    proxy: AwsProxy,
    function: Function,
    signing: String,
    verification: String,
    auth: String,
    encryption: String,
}

impl Keys {
    async fn new() -> Self {
        let signing: Vec<Value> = ["next", "current", "previous"]
            .map(|status| {
                let key =
                    Key::from_seed(&Uuid::new_v4().to_string(), &BASE64URL_NOPAD.encode(&random_bytes()));
                let mut key = serde_json::to_value(key.expect("a key")).expect("JSON");
                key["status"] = json!(status);
                key
            })
            .into();
        let public: Vec<Value> = signing.iter().map(public_half).collect();
        let signing = create("signing-keys", &json!({ "keys": signing })).await;
        let verification = create("verification-keys", &json!({ "keys": public })).await;
        let mut auth = current_and_next("refreshSecret", |key| Ok(mac_key(key)?.0));
        auth["sessionSecret"] = json!(random_key());
        let auth = create("auth", &auth).await;
        let encryption = create("encryption", &current_and_next("key", |key| Ok(seal::key(key)?.0))).await;
        Self::with_secrets(signing, verification, auth, encryption).await
    }

    /// Creates the empty secrets of a new deployment.
    async fn empty() -> Self {
        let (signing, verification) =
            (create_empty("signing-keys").await, create_empty("verification-keys").await);
        Self::with_secrets(
            signing,
            verification,
            create_empty("auth").await,
            create_empty("encryption").await,
        )
        .await
    }

    async fn with_secrets(signing: String, verification: String, auth: String, encryption: String) -> Self {
        let proxy = AwsProxy::start().await;
        let mut environment = proxy.environment();
        environment.insert("NODE_ENV".to_owned(), "production".to_owned());
        environment.extend(settings(&signing, &verification, &auth, &encryption));
        let function = Function::start("rotate-keys", environment).await;
        Self { proxy, function, signing, verification, auth, encryption }
    }

    fn settings(&self) -> HashMap<String, String> {
        settings(&self.signing, &self.verification, &self.auth, &self.encryption)
    }

    /// Starts the API functions with these secrets.
    async fn app(&self) -> TestApp {
        let settings = self.settings();
        let settings: Vec<_> = settings.iter().map(|(name, arn)| (name.as_str(), arn.as_str())).collect();
        TestApp::with(&settings).await
    }

    /// Returns the three secrets that rotate.
    fn rotating(&self) -> [&str; 3] {
        [&self.signing, &self.auth, &self.encryption]
    }

    /// Begins a rotation of `arn`. Returns the pending version.
    fn begin(&self, arn: &str) -> String {
        let version = Uuid::new_v4().to_string();
        self.proxy.begin_rotation(arn, &version);
        version
    }

    /// Runs one step of a rotation.
    async fn step(&self, step: &str, arn: &str, version: &str) -> Result<Value, Value> {
        let event =
            json!({ "Step": step, "SecretId": arn, "ClientRequestToken": version, "RotationToken": "x" });
        self.function.invoke(event).await
    }

    /// Runs a step that must be refused. Returns the reason.
    async fn refused(&self, step: &str, arn: &str, version: &str) -> String {
        let error = self.step(step, arn, version).await.expect_err("a refusal");
        error["errorMessage"].as_str().expect("a message").to_owned()
    }

    /// Runs a whole rotation of `arn`.
    async fn rotate(&self, arn: &str) {
        let version = self.begin(arn);
        for step in STEPS {
            self.step(step, arn, &version).await.unwrap_or_else(|error| panic!("{step}: {error}"));
        }
    }

    /// Simulates that time passes: makes all dates in the secrets older.
    async fn age(&self, by: TimeDelta) {
        for arn in self.rotating() {
            let mut document = current(arn).await;
            age(&mut document, by);
            put_current(arn, &document).await;
        }
    }

    /// Returns the ids of the published keys.
    async fn published(&self) -> Vec<String> {
        let set = current(&self.verification).await;
        let keys = set["keys"].as_array().expect("keys").iter();
        keys.map(|key| key["kid"].as_str().expect("an id").to_owned()).collect()
    }

    /// Returns the current values of all secrets, to show that a rotation changed nothing.
    async fn documents(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for arn in [&self.signing, &self.verification, &self.auth, &self.encryption] {
            all.push(current(arn).await);
        }
        all
    }
}

fn settings(signing: &str, verification: &str, auth: &str, encryption: &str) -> HashMap<String, String> {
    [
        ("JWT_SECRET", signing.to_owned()),
        ("JWT_PUBLIC_KEYS", verification.to_owned()),
        ("JWT_REFRESH_SECRET", format!("{auth}:refreshSecret::")),
        ("SESSION_SECRET", format!("{auth}:sessionSecret::")),
        ("ENCRYPTION_KEY", format!("{encryption}:key::")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Creates a secret without a value.
async fn create_empty(name: &str) -> String {
    let name = format!("test-{}/{name}", Uuid::new_v4().simple());
    manager().await.create_secret().name(name).send().await.expect("a secret").arn.expect("its ARN")
}

async fn create(name: &str, document: &Value) -> String {
    let name = format!("test-{}/{name}", Uuid::new_v4().simple());
    let made = manager().await.create_secret().name(name).secret_string(document.to_string()).send().await;
    made.expect("a secret").arn.expect("its ARN")
}

/// Makes `document` current. Needs two steps, because the stand-in would keep a version current that a rotation has made current.
async fn put_current(arn: &str, document: &Value) {
    let client = manager().await;
    let before = client.get_secret_value().secret_id(arn).version_stage("AWSCURRENT").send().await;
    let before = before.expect("a value").version_id.expect("its id");
    let put = client.put_secret_value().secret_id(arn).secret_string(document.to_string());
    let made = put.version_stages("BYHAND").send().await.expect("a new version").version_id.expect("its id");
    let moved = client.update_secret_version_stage().secret_id(arn).version_stage("AWSCURRENT");
    moved.remove_from_version_id(before).move_to_version_id(made).send().await.expect("current");
}

pub async fn current(arn: &str) -> Value {
    let read = manager().await.get_secret_value().secret_id(arn).version_stage("AWSCURRENT").send().await;
    serde_json::from_str(read.expect("a value").secret_string().expect("a text")).expect("JSON")
}

fn public_half(key: &Value) -> Value {
    let mut key = key.clone();
    for private in ["d", "status", "published_at", "retired_at"] {
        key.as_object_mut().expect("an object").remove(private);
    }
    key
}

fn age(value: &mut Value, by: TimeDelta) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| age_member(name, value, by)),
        Value::Array(items) => items.iter_mut().for_each(|item| age(item, by)),
        _ => {}
    }
}

fn age_member(name: &str, value: &mut Value, by: TimeDelta) {
    if ["published_at", "retired_at", "publishedAt", "retiredAt"].contains(&name) {
        let then: DateTime<Utc> = value.as_str().expect("a text").parse().expect("a time");
        *value = json!(then - by);
    } else {
        age(value, by);
    }
}

/// Returns the ids of the private keys, by status.
fn by_status(set: &Value) -> Map<String, Value> {
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| (key["status"].as_str().expect("a status").to_owned(), key["kid"].clone())).collect()
}

/// Returns the keys in the text `member`.
fn key_texts(document: &Value, member: &str) -> Vec<String> {
    document[member].as_str().expect("a text").split(',').map(str::to_owned).collect()
}
