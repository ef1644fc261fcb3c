//! The logins of the other functions. Each is a member of the role that has its rights, and has the password in its secret.

use std::collections::BTreeSet;

use anyhow::Context;
use shared::{
    aws::secrets::Secrets,
    config::{Credentials, Logins, Setting},
    crypto::scram,
    store::database,
};
use sqlx::PgConnection;

/// Returns the secret of each login, and the role that has its rights. `migrations/20261123000002` creates the first role,
/// `migrations/20261124000008` the second; the third is built into PostgreSQL.
pub fn roles(logins: &Logins) -> [(&Setting, &'static str); 3] {
    [
        (&logins.api, "arches_app"),
        (&logins.retention, "arches_retention"),
        (&logins.backup, "pg_read_all_data"),
    ]
}

/// Creates the configured logins, or updates their passwords. Returns their names.
pub async fn make(
    connection: &mut PgConnection,
    logins: &Logins,
    secrets: &Secrets,
) -> anyhow::Result<BTreeSet<String>> {
    let mut made = BTreeSet::new();
    for (setting, role) in roles(logins) {
        if matches!(setting, Setting::Absent(_)) {
            continue;
        }
        let credentials = secrets.credentials(setting).await?;
        let name = credentials.username()?;
        // One login would have the rights of both.
        anyhow::ensure!(made.insert(name.to_owned()), "two logins have the name {name}");
        set(connection, &credentials, role).await?;
    }
    tracing::info!(logins = made.len(), "logins created");
    Ok(made)
}

/// Creates a login, or updates its password. Its open connections stay open.
///
/// The stored verifier cannot be read, so it is written each time.
pub async fn set(connection: &mut PgConnection, credentials: &Credentials, role: &str) -> anyhow::Result<()> {
    let name = credentials.username()?;
    let login = async {
        let owner = database::current_role(connection).await?;
        anyhow::ensure!(name != owner, "it is the owner of the schema");
        let verifier = scram::verifier(credentials.password())?;
        database::create_role(connection, name).await?;
        anyhow::Ok(database::enable_login(connection, name, &verifier, role).await?)
    };
    login.await.with_context(|| format!("the login {name}, a member of {role}, was not created"))
}
