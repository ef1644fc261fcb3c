//! The rotation of a secret in Secrets Manager: its steps, and the versions of the secret. Nothing here is cached.

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
/// The id of the first version (`ClientRequestToken`). Always the same, so that of two concurrent runs only one creates it.
const FIRST: &str = "first-keys-of-an-empty-secret-0001";

/// The event of a rotation. Secrets Manager may send other members too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    pub step: Step,
    pub secret_id: String,
    /// The id of the version that is to become current.
    pub client_request_token: String,
}

/// The steps, in the order in which Secrets Manager sends them. It may repeat each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Step {
    /// Create the value of the version.
    #[serde(rename = "createSecret")]
    Create,
    /// Store it where it is checked, for example in the database.
    #[serde(rename = "setSecret")]
    Set,
    /// Check that it works.
    #[serde(rename = "testSecret")]
    Test,
    /// Make the version current.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// A secret, and the version that is being rotated.
pub struct Versions<'a> {
    client: Client,
    arn: &'a str,
    version: &'a str,
}

/// A version with its value.
pub struct Version {
    pub id: String,
    pub value: String,
}

/// The stage of the version that is being rotated.
pub enum Standing {
    /// It is not current yet.
    Pending,
    /// It is current already.
    Current,
}

impl<'a> Versions<'a> {
    /// Returns the versions that `rotation` names.
    pub async fn of(rotation: &'a Rotation) -> Self {
        let Rotation { secret_id, client_request_token, .. } = rotation;
        Self { client: client().await, arn: secret_id, version: client_request_token }
    }

    /// Returns the stage of the version. Fails if it is not being rotated.
    pub async fn standing(&self) -> anyhow::Result<Standing> {
        let secret =
            self.client.describe_secret().secret_id(self.arn).send().await.context("secret not described")?;
        anyhow::ensure!(secret.rotation_enabled() == Some(true), "rotation is not enabled for {}", self.arn);
        let stages = secret.version_ids_to_stages().and_then(|versions| versions.get(self.version));
        let stages =
            stages.with_context(|| format!("{} has no version {} to rotate", self.arn, self.version))?;
        let has = |stage| stages.iter().any(|other| other == stage);
        match (has(CURRENT), has(PENDING)) {
            (true, _) => Ok(Standing::Current),
            (false, true) => Ok(Standing::Pending),
            (false, false) => anyhow::bail!("the version {} of {} is not pending", self.version, self.arn),
        }
    }

    /// Reads the current version.
    pub async fn current(&self) -> anyhow::Result<Version> {
        current_of(self.arn).await
    }

    /// Reads the pending value; `None` if it was not created yet.
    pub async fn pending(&self) -> anyhow::Result<Option<String>> {
        let asked = self.client.get_secret_value().secret_id(self.arn);
        let asked = asked.version_id(self.version).version_stage(PENDING).send().await;
        let Some(output) = if_any(asked, "pending version not read")? else { return Ok(None) };
        output.secret_string.context("the pending version has no text").map(Some)
    }

    /// Sets the value of the pending version. It cannot be changed afterwards.
    pub async fn put(&self, value: &str) -> anyhow::Result<()> {
        let put = self.client.put_secret_value().secret_id(self.arn).client_request_token(self.version);
        put.secret_string(value).version_stages(PENDING).send().await.context("pending version not made")?;
        Ok(())
    }

    /// Makes the pending version current, if `current` still is the id of the current one.
    pub async fn finish(&self, current: &str) -> anyhow::Result<()> {
        let moved = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(CURRENT);
        let moved = moved.move_to_version_id(self.version).remove_from_version_id(current);
        moved.send().await.context("pending version not made current")?;
        Ok(())
    }

    /// Cancels the rotation: the version is not pending any more.
    pub async fn withdraw(&self) -> anyhow::Result<()> {
        let update = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(PENDING);
        let update = update.remove_from_version_id(self.version);
        update.send().await.context("pending version not withdrawn")?;
        Ok(())
    }
}

/// Reads the current version of the secret `arn`. Fails if it has none.
pub async fn current_of(arn: &str) -> anyhow::Result<Version> {
    find_current(arn).await?.with_context(|| format!("{arn} has no value"))
}

/// Reads the current version of the secret `arn`; `None` if it has never had a value.
pub async fn find_current(arn: &str) -> anyhow::Result<Option<Version>> {
    let asked = client().await.get_secret_value().secret_id(arn).version_stage(CURRENT).send().await;
    let Some(output) = if_any(asked, "current version not read")? else { return Ok(None) };
    Ok(Some(Version {
        id: output.version_id.context("the current version has no id")?,
        value: output.secret_string.context("the current version has no text")?,
    }))
}

fn if_any<R>(
    asked: Result<GetSecretValueOutput, SdkError<GetSecretValueError, R>>,
    failure: &'static str,
) -> anyhow::Result<Option<GetSecretValueOutput>>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let is_none = |error: &SdkError<_, _>| {
        error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception)
    };
    match asked {
        Err(error) if is_none(&error) => Ok(None),
        asked => asked.map(Some).context(failure),
    }
}

/// Makes `value` the first version of the secret `arn`. Does nothing if this function wrote a first version before.
pub async fn put_first(arn: &str, value: &str) -> anyhow::Result<()> {
    let put = client().await.put_secret_value().secret_id(arn).client_request_token(FIRST);
    match put.secret_string(value).send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(error).context("first version not made"),
    }
}

/// Makes `value` the current version of the secret `arn`, without a rotation.
pub async fn put_current(arn: &str, value: &str) -> anyhow::Result<()> {
    let put = client().await.put_secret_value().secret_id(arn).secret_string(value);
    put.send().await.context("current version not made")?;
    Ok(())
}

async fn client() -> Client {
    Client::new(client::config().await)
}
