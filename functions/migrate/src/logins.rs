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
    crypto::scram,
    domain::database_name::MAX_NAME_BYTES,
    store::database::{self, SessionLimits},
};
use sqlx::PgConnection;

/// Ends the second name of a login.
const ALTERNATE: &str = "_alternate";

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
    let (mut given, mut taken) = (Vec::new(), BTreeSet::new());
    for login in all(logins) {
        if matches!(login.setting, Setting::Absent(_)) {
            continue;
        }
        let credentials = secrets.credentials(login.setting).await?;
        let name = credentials.username()?;
        // One login would have the rights of both. Checked before anything is changed.
        let is_new = taken.insert(alternate(name)) && taken.insert(name.to_owned());
        anyhow::ensure!(is_new, "two logins have the name {name}");
        given.push((login, credentials));
    }
    let mut made = BTreeSet::new();
    for (login, credentials) in given {
        login.set(connection, &credentials).await?;
        made.insert(credentials.username()?.to_owned());
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
            // Looked up first: a name that the proxy does not know leaves no role behind.
            let proxied = self.secret_of_proxy(credentials).await?;
            database::create_role(connection, name).await?;
            database::enable_login(connection, name, &verifier, role, &self.limits).await?;
            publish(proxied, credentials).await
        };
        login.await.with_context(|| format!("the login {name}, a member of {role}, was not created"))
    }

    /// Writes the password into the secret from which the proxy reads this name. Changes nothing if it is there.
    pub async fn publish(&self, credentials: &Credentials) -> anyhow::Result<()> {
        publish(self.secret_of_proxy(credentials).await?, credentials).await
    }

    /// Returns the secret from which the proxy reads this name; `None` if the login does not go through the proxy.
    async fn secret_of_proxy(&self, credentials: &Credentials) -> anyhow::Result<Option<ProxySecret<'_>>> {
        let mut is_proxied = false;
        for setting in self.proxied.into_iter().flatten() {
            let arn = match setting {
                Setting::Absent(_) => continue,
                Setting::Secret(secret) => secret.arn(),
                Setting::Plain(_) => {
                    anyhow::bail!("the credentials for the proxy are not a reference to a secret")
                }
            };
            is_proxied = true;
            let current = secret_rotation::current_of(arn).await?;
            let known = Credentials::parse(&current.value)
                .map_err(|problem| anyhow::anyhow!("the secret {arn} {problem}"))?;
            if known.username()? == credentials.username()? {
                return Ok(Some(ProxySecret { arn, known }));
            }
        }
        anyhow::ensure!(!is_proxied, "no secret of the proxy has this name");
        Ok(None)
    }
}

/// A secret that the proxy reads, and its current version.
struct ProxySecret<'a> {
    arn: &'a str,
    known: Credentials,
}

async fn publish(secret: Option<ProxySecret<'_>>, credentials: &Credentials) -> anyhow::Result<()> {
    let Some(ProxySecret { arn, known }) = secret else { return Ok(()) };
    if known.password() == credentials.password() {
        return Ok(());
    }
    let document = json!({ "username": credentials.username()?, "password": credentials.password() });
    secret_rotation::put_current(arn, &document.to_string()).await
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
