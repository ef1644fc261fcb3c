//! The versions of a secret in Secrets Manager, and how it asks for a new one. Nothing here is cached.

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
/// The id of a first version. Always the same, so that of two runs at once one makes it (`ClientRequestToken`).
const FIRST: &str = "first-keys-of-an-empty-secret-0001";

/// What Secrets Manager asks for. It may add members of its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    /// What is to be done.
    pub step: Step,
    /// The secret's ARN.
    pub secret_id: String,
    /// The version that is to become current.
    pub client_request_token: String,
}

/// In the order in which they are asked for, each perhaps more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Step {
    /// Make the version.
    #[serde(rename = "createSecret")]
    Create,
    /// Make it known where it must be.
    #[serde(rename = "setSecret")]
    Set,
    /// See whether it works.
    #[serde(rename = "testSecret")]
    Test,
    /// Make it current.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// A secret, and the version of it that a rotation is about.
pub struct Versions<'a> {
    client: Client,
    arn: &'a str,
    version: &'a str,
}

/// A version that is there.
pub struct Version {
    /// Its id.
    pub id: String,
    /// What it holds.
    pub value: String,
}

/// What the version is.
pub enum Standing {
    /// To become current.
    Pending,
    /// Current.
    Current,
}

impl<'a> Versions<'a> {
    /// Those that `rotation` is about.
    pub async fn of(rotation: &'a Rotation) -> Self {
        let Rotation { secret_id, client_request_token, .. } = rotation;
        Self { client: client().await, arn: secret_id, version: client_request_token }
    }

    /// Refuses a version that is not being rotated.
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

    /// What is current.
    pub async fn current(&self) -> anyhow::Result<Version> {
        current_of(self.arn).await
    }

    /// What is pending; `None` before it has a value.
    pub async fn pending(&self) -> anyhow::Result<Option<String>> {
        let asked = self.client.get_secret_value().secret_id(self.arn);
        let asked = asked.version_id(self.version).version_stage(PENDING).send().await;
        let Some(output) = if_any(asked, "pending version not read")? else { return Ok(None) };
        output.secret_string.context("the pending version has no text").map(Some)
    }

    /// Gives the pending version its value, which then stays.
    pub async fn put(&self, value: &str) -> anyhow::Result<()> {
        let put = self.client.put_secret_value().secret_id(self.arn).client_request_token(self.version);
        put.secret_string(value).version_stages(PENDING).send().await.context("pending version not made")?;
        Ok(())
    }

    /// Makes the pending version the current one, if that is `current` still.
    pub async fn finish(&self, current: &str) -> anyhow::Result<()> {
        let moved = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(CURRENT);
        let moved = moved.move_to_version_id(self.version).remove_from_version_id(current);
        moved.send().await.context("pending version not made current")?;
        Ok(())
    }

    /// Ends the rotation without having done anything.
    pub async fn withdraw(&self) -> anyhow::Result<()> {
        let update = self.client.update_secret_version_stage().secret_id(self.arn).version_stage(PENDING);
        let update = update.remove_from_version_id(self.version);
        update.send().await.context("pending version not withdrawn")?;
        Ok(())
    }
}

/// The current version of the secret `arn`.
pub async fn current_of(arn: &str) -> anyhow::Result<Version> {
    find_current(arn).await?.with_context(|| format!("{arn} has no value"))
}

/// The same; `None` if the secret has never had a value.
pub async fn find_current(arn: &str) -> anyhow::Result<Option<Version>> {
    let asked = client().await.get_secret_value().secret_id(arn).version_stage(CURRENT).send().await;
    let Some(output) = if_any(asked, "current version not read")? else { return Ok(None) };
    Ok(Some(Version {
        id: output.version_id.context("a version without an id")?,
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

/// Makes `value` the first one of the secret `arn`, unless it has one from us already.
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

/// Makes `value` the current one of the secret `arn`, at once.
pub async fn put_current(arn: &str, value: &str) -> anyhow::Result<()> {
    let put = client().await.put_secret_value().secret_id(arn).secret_string(value);
    put.send().await.context("current version not made")?;
    Ok(())
}

async fn client() -> Client {
    Client::new(client::config().await)
}
