//! Rotates secrets in Secrets Manager: reads and writes their versions. Nothing here is cached.

use anyhow::Context;
use aws_sdk_secretsmanager::{
    Client,
    error::SdkError,
    operation::{
        get_secret_value::{GetSecretValueError, GetSecretValueOutput},
        put_secret_value::PutSecretValueError,
    },
};
use serde::{Deserialize, Serialize};

use super::client;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
/// The id of the first version (`ClientRequestToken`). Always the same, so that only one of two concurrent runs creates it.
const FIRST_VERSION_ID: &str = "first-keys-of-an-empty-secret-0001";

/// The event that Secrets Manager sends for each step of a rotation. Unknown members are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    pub step: Step,
    /// The ARN of the secret.
    pub secret_id: String,
    /// The id of the version that becomes current.
    pub client_request_token: String,
}

/// The steps, in the order in which Secrets Manager sends them. It may repeat a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Step {
    /// Creates the version.
    #[serde(rename = "createSecret")]
    Create,
    /// Sets the new value in the service that checks it.
    #[serde(rename = "setSecret")]
    Set,
    /// Tests the new value.
    #[serde(rename = "testSecret")]
    Test,
    /// Makes the version current.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// A secret, and its version that is being rotated.
pub struct Versions<'a> {
    client: Client,
    arn: &'a str,
    version: &'a str,
}

/// A version with a value.
pub struct Version {
    pub id: String,
    pub value: String,
}

/// The stage of the version that is being rotated.
pub enum VersionStage {
    Pending,
    Current,
}

impl<'a> Versions<'a> {
    /// Creates a client for the secret and the version of `rotation`.
    pub async fn of(rotation: &'a Rotation) -> Self {
        let Rotation { secret_id, client_request_token, .. } = rotation;
        Self { client: client().await, arn: secret_id, version: client_request_token }
    }

    /// Returns the stage of the version. Fails if the version is not being rotated.
    pub async fn stage(&self) -> anyhow::Result<VersionStage> {
        let secret =
            self.client.describe_secret().secret_id(self.arn).send().await.context("secret not described")?;
        anyhow::ensure!(secret.rotation_enabled() == Some(true), "rotation is not enabled for {}", self.arn);
        let stages = secret.version_ids_to_stages().and_then(|versions| versions.get(self.version));
        let stages =
            stages.with_context(|| format!("{} has no version {} to rotate", self.arn, self.version))?;
        let has = |stage| stages.iter().any(|other| other == stage);
        match (has(CURRENT), has(PENDING)) {
            (true, _) => Ok(VersionStage::Current),
            (false, true) => Ok(VersionStage::Pending),
            (false, false) => anyhow::bail!("the version {} of {} is not pending", self.version, self.arn),
        }
    }

    /// Returns the current version.
    pub async fn current(&self) -> anyhow::Result<Version> {
        current_of(self.arn).await
    }

    /// Returns the value of the pending version; `None` before it has one.
    pub async fn pending(&self) -> anyhow::Result<Option<String>> {
        let get = self.client.get_secret_value().secret_id(self.arn);
        let got = get.version_id(self.version).version_stage(PENDING).send().await;
        let Some(output) = optional(got, "pending version not read")? else { return Ok(None) };
        output.secret_string.context("the pending version has no text").map(Some)
    }

    /// Sets the value of the pending version, which cannot be changed afterwards.
    pub async fn put(&self, value: &str) -> anyhow::Result<()> {
        let put = self.client.put_secret_value().secret_id(self.arn).client_request_token(self.version);
        put.secret_string(value)
            .version_stages(PENDING)
            .send()
            .await
            .context("pending version not written")?;
        Ok(())
    }

    /// Makes the pending version current, if the current version is still `current`.
    pub async fn finish(&self, current: &str) -> anyhow::Result<()> {
        let moved = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(CURRENT);
        let moved = moved.move_to_version_id(self.version).remove_from_version_id(current);
        moved.send().await.context("pending version not made current")?;
        Ok(())
    }

    /// Cancels the rotation: the version is no longer pending.
    pub async fn withdraw(&self) -> anyhow::Result<()> {
        let update = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(PENDING);
        let update = update.remove_from_version_id(self.version);
        update.send().await.context("pending version not withdrawn")?;
        Ok(())
    }
}

/// Returns the current version of the secret `arn`.
pub async fn current_of(arn: &str) -> anyhow::Result<Version> {
    find_current(arn).await?.with_context(|| format!("{arn} has no value"))
}

/// Returns the current version of the secret `arn`; `None` if the secret has never had a value.
pub async fn find_current(arn: &str) -> anyhow::Result<Option<Version>> {
    let got = client().await.get_secret_value().secret_id(arn).version_stage(CURRENT).send().await;
    let Some(output) = optional(got, "current version not read")? else { return Ok(None) };
    Ok(Some(Version {
        id: output.version_id.context("the current version has no id")?,
        value: output.secret_string.context("the current version has no text")?,
    }))
}

/// Turns a missing secret or version into `None`.
fn optional<R>(
    got: Result<GetSecretValueOutput, SdkError<GetSecretValueError, R>>,
    failure: &'static str,
) -> anyhow::Result<Option<GetSecretValueOutput>>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let is_missing = |error: &SdkError<_, _>| {
        error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception)
    };
    match got {
        Err(error) if is_missing(&error) => Ok(None),
        got => got.map(Some).context(failure),
    }
}

/// Writes `value` as the first version of the secret `arn`, unless this function has already written one.
pub async fn put_first(arn: &str, value: &str) -> anyhow::Result<()> {
    let put = client().await.put_secret_value().secret_id(arn).client_request_token(FIRST_VERSION_ID);
    match put.secret_string(value).send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(error).context("first version not written"),
    }
}

/// Writes `value` as the current version of the secret `arn`.
pub async fn put_current(arn: &str, value: &str) -> anyhow::Result<()> {
    let put = client().await.put_secret_value().secret_id(arn).secret_string(value);
    put.send().await.context("current version not written")?;
    Ok(())
}

async fn client() -> Client {
    Client::new(client::config().await)
}
