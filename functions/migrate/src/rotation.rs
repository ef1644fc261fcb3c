//! New passwords for the logins, as Secrets Manager asks for them (AWS Secrets Manager User Guide, "Lambda rotation functions").
//!
//! Between `setSecret` and `finishSecret`, a few seconds, a login's new password works and its old one does not. Connections
//! that are there go on; who dials is refused, reads the secret again and dials again.

use anyhow::Context;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    aws::secret_rotation::{Rotation, Standing, Step, Versions},
    config::{Credentials, Logins, Setting},
    db,
};
use sqlx::{Connection, PgConnection};

use crate::logins;

/// The length of a password before it is written in base64url.
const PASSWORD_LEN: usize = 32;

/// What came of a step.
#[derive(Debug, Serialize)]
pub struct Rotated {
    step: Step,
    done: &'static str,
}

/// Does one step for the login whose secret it is about; `url` is the database, as anyone goes to it.
pub async fn rotate(
    connection: &mut PgConnection,
    url: &str,
    logins: &Logins,
    rotation: &Rotation,
) -> anyhow::Result<Rotated> {
    let Rotation { step, secret_id: arn, .. } = rotation;
    let is_this = |setting: &Setting| matches!(setting, Setting::Secret(secret) if secret.arn() == arn);
    let role = logins::roles(logins).into_iter().find_map(|(setting, role)| is_this(setting).then_some(role));
    let role = role.with_context(|| format!("{arn} is the secret of no login that is made here"))?;
    let versions = Versions::of(rotation).await;
    let standing = versions.standing().await?;
    let current = versions.current().await?;
    let done = match standing {
        // Secrets Manager asks again if it has not heard the answer.
        Standing::Current => "nothing: this version is current already",
        Standing::Pending => match (step, versions.pending().await?) {
            (Step::Create, None) => {
                versions.put(&renewed(&current.value)?).await?;
                "a new version is pending"
            }
            (Step::Create, Some(_)) => "nothing: a new version is pending already",
            // Secrets Manager tries this step alone when someone sets a schedule ("RotateImmediately" in the API's reference).
            (Step::Test, None) => {
                log_in(url, parse(&current.value)?).await?;
                "nothing is to become current, and what is current works"
            }
            (_, None) => anyhow::bail!("createSecret has not made this version's value yet"),
            (step, Some(pending)) => {
                if besides(&pending)? != besides(&current.value)? {
                    // Secrets Manager would try to finish it, in vain and for ever, and begin no other.
                    versions.withdraw().await?;
                    anyhow::bail!(
                        "the secret was changed since this version was made; withdrawn, the next attempt begins anew"
                    );
                }
                let credentials = parse(&pending)?;
                match step {
                    Step::Set => {
                        logins::set(connection, &credentials, role).await?;
                        "the pending version works, and the current one no more"
                    }
                    Step::Finish => {
                        // Asked again, so that no order of the steps makes a version current that does not work.
                        log_in(url, credentials).await?;
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

/// `document` with a password that nobody has seen.
fn renewed(document: &str) -> anyhow::Result<String> {
    let mut bytes = [0; PASSWORD_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    let mut document = besides(document)?;
    document.insert("password".to_owned(), Value::String(BASE64URL_NOPAD.encode(&bytes)));
    Ok(serde_json::to_string(&document)?)
}

/// What `document` has besides the password.
fn besides(document: &str) -> anyhow::Result<Map<String, Value>> {
    // What is wrong with it is not repeated.
    let object: Option<Map<_, _>> = serde_json::from_str(document).ok();
    let mut object = object.context("the secret is not a JSON object")?;
    object.remove("password");
    Ok(object)
}

fn parse(document: &str) -> anyhow::Result<Credentials> {
    Credentials::parse(document).map_err(|problem| anyhow::anyhow!("the secret {problem}"))
}

async fn log_in(url: &str, credentials: Credentials) -> anyhow::Result<()> {
    let login =
        db::connect(&credentials.complete(url)?).await.context("nobody can log in with this version")?;
    Ok(login.close().await?)
}
