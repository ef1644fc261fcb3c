//! Rotates the passwords of the logins for Secrets Manager (AWS Secrets Manager User Guide, "Lambda rotation functions").
//!
//! A rotation sets the password of the name that the current version does not have, so that the current version works before, during
//! and after it, wherever it stops (`docs/adr/0030-two-names-per-login.md`). The version before the current one works until the next
//! rotation.

use anyhow::Context;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    aws::secret_rotation::{Rotation, Step, VersionStage, Versions},
    config::{Credentials, Logins, Setting},
    db,
};
use sqlx::{Connection, PgConnection};

use crate::logins;

/// Bytes of a password before base64url.
const PASSWORD_LEN: usize = 32;

/// The result of a step.
#[derive(Debug, Serialize)]
pub struct Rotated {
    step: Step,
    done: &'static str,
}

/// Does one step for the login of this secret. `url` is the address of the database, with any credentials.
///
/// The caller holds the lock of the logins: the versions that are read here are those that the database has.
pub async fn rotate(
    connection: &mut PgConnection,
    url: &str,
    logins: &Logins,
    rotation: &Rotation,
) -> anyhow::Result<Rotated> {
    let Rotation { step, secret_id: arn, .. } = rotation;
    let is_this = |setting: &Setting| matches!(setting, Setting::Secret(secret) if secret.arn() == arn);
    let login = logins::all(logins).into_iter().find(|login| is_this(login.setting));
    let login =
        login.with_context(|| format!("{arn} is the secret of no login that this function creates"))?;
    let versions = Versions::of(rotation).await;
    let stage = versions.stage().await?;
    let current = versions.current().await?;
    let done = match stage {
        // Secrets Manager repeats a step whose answer it did not receive.
        VersionStage::Current => "nothing: this version is already current",
        VersionStage::Pending => match (step, versions.pending().await?) {
            (Step::Create, None) => {
                versions.put(&successor(&current.value)?).await?;
                "a new version is pending"
            }
            (Step::Create, Some(_)) => "nothing: a new version is already pending",
            // Secrets Manager does only this step when a schedule is set (API Reference, "RotateImmediately").
            (Step::Test, None) => {
                log_in(url, parse(&current.value)?).await?;
                "there is no other version to test, and the current one works"
            }
            (_, None) => anyhow::bail!("createSecret has not made this version's value yet"),
            (step, Some(pending)) => {
                if !follows(&pending, &current.value)? {
                    // Secrets Manager would retry this rotation forever, and start no other.
                    versions.withdraw().await?;
                    anyhow::bail!(
                        "the secret was changed since this version was made; withdrawn, the next attempt starts from the beginning"
                    );
                }
                let credentials = parse(&pending)?;
                match step {
                    Step::Set => {
                        login.set(connection, &credentials).await?;
                        "the pending version works, and so does the current one"
                    }
                    Step::Finish => {
                        // Checked again: in no order of steps may a version that does not work become current.
                        log_in(url, parse(&pending)?).await?;
                        login.publish(&credentials).await?;
                        versions.finish(&current.id).await?;
                        "the pending version is current"
                    }
                    Step::Create | Step::Test => {
                        log_in(url, credentials).await?;
                        "the pending version works"
                    }
                }
            }
        },
    };
    Ok(Rotated { step: *step, done })
}

/// Returns the version after `document`: the other name of the login, and a new random password.
fn successor(document: &str) -> anyhow::Result<String> {
    let mut bytes = [0; PASSWORD_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    let mut members = other_members(document)?;
    members.insert("username".to_owned(), Value::String(other_name(document)?));
    members.insert("password".to_owned(), Value::String(BASE64URL_NOPAD.encode(&bytes)));
    Ok(serde_json::to_string(&members)?)
}

/// Checks whether `pending` is a version after `current`.
fn follows(pending: &str, current: &str) -> anyhow::Result<bool> {
    let is_other_name = parse(pending)?.username()? == other_name(current)?;
    Ok(is_other_name && other_members(pending)? == other_members(current)?)
}

fn other_name(document: &str) -> anyhow::Result<String> {
    Ok(logins::alternate(parse(document)?.username()?))
}

/// Returns the members of `document` without the user name and the password.
fn other_members(document: &str) -> anyhow::Result<Map<String, Value>> {
    // The error could quote the value.
    let object: Option<Map<_, _>> = serde_json::from_str(document).ok();
    let mut object = object.context("the secret is not a JSON object")?;
    for changed in ["username", "password"] {
        object.remove(changed);
    }
    Ok(object)
}

fn parse(document: &str) -> anyhow::Result<Credentials> {
    Credentials::parse(document).map_err(|problem| anyhow::anyhow!("the secret {problem}"))
}

async fn log_in(url: &str, credentials: Credentials) -> anyhow::Result<()> {
    let connection = db::connect(&credentials.complete(url)?)
        .await
        .context("login with this version's password failed")?;
    Ok(connection.close().await?)
}
