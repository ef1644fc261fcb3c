//! The first keys: created with a deployment, and never again.

use serde_json::Value;

use super::{Keys, ROTATION_INTERVAL, by_status, create_empty, current, key_texts, manager};
use crate::cloudformation::{StackResponse, request};

impl Keys {
    /// Sends a request of CloudFormation. Returns the response.
    async fn send(&self, kind: &str) -> StackResponse {
        self.function.invoke(request(kind, "Custom::Keys")).await.expect("an answer");
        self.proxy.responses().pop().expect("CloudFormation got a response")
    }
}

async fn is_empty(arn: &str) -> bool {
    manager().await.get_secret_value().secret_id(arn).send().await.is_err()
}

#[tokio::test]
async fn new_deployment_gets_working_keys_that_rotate() {
    let keys = Keys::empty().await;
    let response = keys.send("Create").await;
    assert_eq!(
        (response.status(), response.answer["PhysicalResourceId"].as_str()),
        ("SUCCESS", Some("keys"))
    );
    let signing = by_status(&current(&keys.signing).await);
    let ids = |value: &Value| value.as_str().expect("an id").to_owned();
    let (mut published, mut private) =
        (keys.published().await, signing.values().map(ids).collect::<Vec<_>>());
    published.sort();
    private.sort();
    assert_eq!((published, signing.len()), (private, 2));
    assert!(!current(&keys.verification).await.to_string().contains("\"d\""));

    let app = keys.app().await;
    let ada = app.person("Ada").await;
    ada.client.get("/v1/auth/me").await.ok(200);

    let before = keys.documents().await;
    assert_eq!(keys.send("Update").await.status(), "SUCCESS");
    assert_eq!(keys.send("Delete").await.status(), "SUCCESS");
    assert_eq!(keys.documents().await, before);

    keys.age(ROTATION_INTERVAL).await;
    for arn in keys.rotating() {
        keys.rotate(arn).await;
    }
    assert_eq!(by_status(&current(&keys.signing).await)["current"], signing["next"]);
    ada.client.get("/v1/auth/me").await.ok(200);
    let secrets = [current(&keys.auth).await["sessionSecret"].clone(), before[2]["refreshSecret"].clone()];
    let log = keys.function.log().concat();
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str().expect("a text"))));
}

#[tokio::test]
async fn only_empty_secrets_are_filled() {
    let mut keys = Keys::new().await;
    let ids = keys.published().await;
    let before = keys.documents().await;
    let (verification, encryption) =
        (create_empty("verification-keys").await, create_empty("encryption").await);
    keys = Keys::with_secrets(keys.signing, verification, keys.auth, encryption).await;
    assert_eq!(keys.send("Update").await.status(), "SUCCESS");
    assert_eq!(current(&keys.signing).await, before[0]);
    assert_eq!(current(&keys.auth).await, before[2]);
    let (mut published, mut expected) = (keys.published().await, ids);
    published.sort();
    expected.sort();
    assert_eq!(published, expected);
    assert_eq!(key_texts(&current(&keys.encryption).await, "key").len(), 2);
}

#[tokio::test]
async fn deletion_creates_no_keys() {
    let keys = Keys::empty().await;
    assert_eq!(keys.send("Delete").await.status(), "SUCCESS");
    for arn in [&keys.signing, &keys.verification, &keys.auth, &keys.encryption] {
        assert!(is_empty(arn).await);
    }
}
