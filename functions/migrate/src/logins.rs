//! The logins of the other functions: each is a member of the role that has its rights, and has the password of its secret.

use std::collections::BTreeSet;

use anyhow::Context;
use shared::{
    aws::secrets::Secrets,
    config::{Credentials, Logins, Setting},
    store::database,
};
use sqlx::PgConnection;

use crate::scram;

/// The secret of each login, and the role that has its rights: of migrations/20261123000002, of 20261124000008, and one of
/// PostgreSQL's own.
pub fn roles(logins: &Logins) -> [(&Setting, &'static str); 3] {
    [
        (&logins.api, "arches_app"),
        (&logins.retention, "arches_retention"),
        (&logins.backup, "pg_read_all_data"),
    ]
}

/// Makes the logins that are given, or gives them the passwords that they have now; their names.
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
        // Else one of them would have the rights of both.
        anyhow::ensure!(made.insert(name.to_owned()), "two logins are called {name}");
        set(connection, &credentials, role).await?;
    }
    tracing::info!(logins = made.len(), "logins made");
    Ok(made)
}

/// Makes one login, or gives it this password; connections that it has go on.
///
/// What the server keeps of the last password cannot be read, so it is written each time.
pub async fn set(connection: &mut PgConnection, credentials: &Credentials, role: &str) -> anyhow::Result<()> {
    let name = credentials.username()?;
    let login = async {
        let owner = database::current_role(connection).await?;
        anyhow::ensure!(name != owner, "that is the schema's owner");
        let verifier = scram::verifier(credentials.password())?;
        database::create_role(connection, name).await?;
        anyhow::Ok(database::let_log_in(connection, name, &verifier, role).await?)
    };
    login.await.with_context(|| format!("the login {name}, a member of {role}, was not made"))
}
