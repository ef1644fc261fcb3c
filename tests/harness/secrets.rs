//! Credentials in secrets, separate from the URL, as in a deployment.

use aws_sdk_secretsmanager::Client;
use serde_json::{Value, json};
use shared::aws::client;
use uuid::Uuid;

/// Splits `url` into the URL without credentials, and the credentials.
#[must_use]
pub fn split_credentials(url: &str) -> (String, Value) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (who, place) = rest.split_once('@').expect("a user name or password");
    let (username, password) = who.split_once(':').expect("a password");
    let mut credentials = json!({ "password": password });
    if !username.is_empty() {
        credentials["username"] = json!(username);
    }
    (format!("{scheme}://{place}"), credentials)
}

/// Creates a secret with the value `document`. Returns its ARN.
pub async fn create_secret(document: &Value) -> String {
    let name = format!("test-{}", Uuid::new_v4().simple());
    let made = client().await.create_secret().name(name).secret_string(document.to_string()).send().await;
    made.expect("a secret").arn.expect("its ARN")
}

/// Sets the value of the secret `arn` to `document`.
pub async fn put_secret(arn: &str, document: &Value) {
    let put = client().await.put_secret_value().secret_id(arn).secret_string(document.to_string());
    put.send().await.expect("a new version");
}

async fn client() -> Client {
    // The services' endpoint and keys are in the environment of the tests.
    Client::new(client::config().await)
}

/// Returns all printable ASCII characters, which are those that a password may contain.
#[must_use]
pub fn printable() -> String {
    (' '..='~').collect()
}
