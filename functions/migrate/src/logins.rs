//! The logins of the other functions. Each is a member of the role that has its rights, and has the password in its secret.
//!
//! A login has two names, of which the secret has one. A rotation sets the password of the other one
//! (`docs/adr/0030-two-names-per-login.md`).

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context;
use serde_json::json;
use shared::{
    aws::{secret_rotation, secrets::Secrets},
    config::{Credentials, Logins, Setting},
    store::database::{self, SessionLimits},
};
use sqlx::PgConnection;

use crate::scram;

/// Ends the second name of a login.
const ALTERNATE: &str = "_alternate";
/// PostgreSQL cuts longer names, without an error (manual, 4.1.1).
const MAX_NAME_BYTES: usize = 63;

/// For functions whose transactions end after 10 s (`TRANSACTION_TIMEOUT` in `shared/src/db`).
///
/// A statement ends before its transaction does: then the function gets an error and keeps the connection. The two others end
/// what a function has given up.
const SHORT: SessionLimits = SessionLimits {
    statement: Duration::from_secs(8),
    lock: Duration::from_secs(5),
    idle_in_transaction: Duration::from_secs(10),
    transaction: Duration::from_secs(11),
};
/// For `backup`, whose snapshot is as old as the run: the longest time of a function, and `pg_dump`'s wait for a lock.
/// A run with another deadline sets its own limit.
const LONG: SessionLimits = SessionLimits {
    statement: Duration::from_mins(15),
    lock: Duration::from_secs(10),
    idle_in_transaction: Duration::from_mins(15),
    // A longer run is possible outside Lambda.
    transaction: Duration::ZERO,
};

/// A login of another function.
pub struct Login<'a> {
    /// Its secret.
    pub setting: &'a Setting,
    /// The role that has its rights. `migrations/20261123000002` creates the first role, `migrations/20261124000008` the second;
    /// the third is built into PostgreSQL.
    pub role: &'static str,
    limits: SessionLimits,
    /// The secrets from which the proxy reads it, one for each name. The proxy reads the current version only, so it would refuse
    /// the name that the login's own secret had before a rotation.
    proxied: [Option<&'a Setting>; 2],
}

/// Returns the logins.
pub fn all(logins: &Logins) -> [Login<'_>; 3] {
    let through_proxy = |one, other| [Some(one), Some(other)];
    [
        Login {
            setting: &logins.api,
            role: "arches_app",
            limits: SHORT,
            proxied: through_proxy(&logins.api_proxy, &logins.api_proxy_alternate),
        },
        Login {
            setting: &logins.retention,
            role: "arches_retention",
            limits: SHORT,
            proxied: through_proxy(&logins.retention_proxy, &logins.retention_proxy_alternate),
        },
        Login { setting: &logins.backup, role: "pg_read_all_data", limits: LONG, proxied: [None, None] },
    ]
}

/// Returns the other name of the login `name`.
pub fn alternate(name: &str) -> String {
    name.strip_suffix(ALTERNATE).map_or_else(|| format!("{name}{ALTERNATE}"), str::to_owned)
}

/// Creates the configured logins, or updates their passwords. Returns their names.
pub async fn make(
    connection: &mut PgConnection,
    logins: &Logins,
    secrets: &Secrets,
) -> anyhow::Result<BTreeSet<String>> {
    let (mut made, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for login in all(logins) {
        if matches!(login.setting, Setting::Absent(_)) {
            continue;
        }
        let credentials = secrets.credentials(login.setting).await?;
        let name = credentials.username()?.to_owned();
        // One login would have the rights of both.
        let is_new = taken.insert(alternate(&name)) && taken.insert(name.clone());
        anyhow::ensure!(is_new, "two logins have the name {name}");
        login.set(connection, &credentials).await?;
        made.insert(name);
    }
    tracing::info!(logins = made.len(), "logins created");
    Ok(made)
}

impl Login<'_> {
    /// Creates the login with one of its names, or updates its password; then tells the proxy. Open connections stay open.
    ///
    /// The stored verifier cannot be read, so it is written each time.
    pub async fn set(&self, connection: &mut PgConnection, credentials: &Credentials) -> anyhow::Result<()> {
        let (name, role) = (credentials.username()?, self.role);
        let login = async {
            let longest = name.len().max(alternate(name).len());
            anyhow::ensure!(
                longest <= MAX_NAME_BYTES,
                "{name} or its second name is longer than {MAX_NAME_BYTES} bytes"
            );
            let owner = database::current_role(connection).await?;
            anyhow::ensure!(name != owner, "it is the owner of the schema");
            let verifier = scram::verifier(credentials.password())?;
            database::create_role(connection, name).await?;
            database::enable_login(connection, name, &verifier, role, &self.limits).await?;
            self.publish(credentials).await
        };
        login.await.with_context(|| format!("the login {name}, a member of {role}, was not created"))
    }

    /// Writes the password into the secret from which the proxy reads this name. Changes nothing if it is there.
    pub async fn publish(&self, credentials: &Credentials) -> anyhow::Result<()> {
        let given = self.proxied.iter().flatten().filter(|setting| !matches!(setting, Setting::Absent(_)));
        let mut is_proxied = false;
        for setting in given {
            let Setting::Secret(secret) = setting else {
                anyhow::bail!("the credentials for the proxy are not a reference to a secret");
            };
            is_proxied = true;
            let known = secret_rotation::current_of(secret.arn()).await?;
            let known = Credentials::parse(&known.value)
                .map_err(|problem| anyhow::anyhow!("the secret {} {problem}", secret.arn()))?;
            if known.username()? != credentials.username()? {
                continue;
            }
            if known.password() != credentials.password() {
                let document =
                    json!({ "username": credentials.username()?, "password": credentials.password() });
                secret_rotation::put_current(secret.arn(), &document.to_string()).await?;
            }
            return Ok(());
        }
        anyhow::ensure!(!is_proxied, "no secret of the proxy has this name");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_two_names_leads_to_the_other() {
        assert_eq!(alternate("arches_api"), "arches_api_alternate");
        assert_eq!(alternate(&alternate("arches_api")), "arches_api");
    }

    #[test]
    fn statement_ends_before_its_transaction_and_the_transaction_after_the_function_has_given_up() {
        let given_up = Duration::from_secs(10);
        assert!(SHORT.lock < SHORT.statement && SHORT.statement < given_up);
        assert!(SHORT.idle_in_transaction >= given_up && SHORT.transaction > given_up);
    }
}
