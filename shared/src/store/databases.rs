//! Databases on the same server: their properties, and who may connect.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    database::quote,
    database_properties::{DatabaseGrant, DatabasePrivilege, DatabaseProperties, DatabaseSetting},
};

/// The time that the end of a connection may take. PostgreSQL takes milliseconds.
const END_CONNECTION_MILLIS: i64 = 5_000;

/// Reads the properties of the database `name`.
pub async fn properties(connection: &mut PgConnection, name: &str) -> sqlx::Result<DatabaseProperties> {
    let row = sqlx::query!(
        r#"
        SELECT pg_get_userbyid(datdba)::text AS "owner!", pg_encoding_to_char(encoding)::text AS "encoding!",
               CASE datlocprovider WHEN 'b' THEN 'builtin' WHEN 'i' THEN 'icu' ELSE 'libc' END AS "locale_provider!",
               datcollate AS "collation!", datctype AS "character_type!", datlocale AS locale, daticurules AS icu_rules,
               datconnlimit AS connection_limit, shobj_description(oid, 'pg_database') AS comment
        FROM pg_database WHERE datname = $1::text::name
        "#,
        name,
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(DatabaseProperties {
        owner: row.owner,
        encoding: row.encoding,
        locale_provider: row.locale_provider,
        collation: row.collation,
        character_type: row.character_type,
        locale: row.locale,
        icu_rules: row.icu_rules,
        connection_limit: row.connection_limit,
        comment: row.comment,
        settings: settings(connection, name).await?,
        grants: grants(connection, name).await?,
    })
}

async fn settings(connection: &mut PgConnection, name: &str) -> sqlx::Result<BTreeSet<DatabaseSetting>> {
    let found = sqlx::query!(
        r#"
        SELECT r.rolname::text AS role, split_part(setting, '=', 1) AS "name!",
               substr(setting, strpos(setting, '=') + 1) AS "value!"
        FROM pg_db_role_setting s
        JOIN pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        CROSS JOIN LATERAL unnest(s.setconfig) AS setting
        WHERE d.datname = $1::text::name
        "#,
        name,
    );
    let found = found.fetch_all(connection).await?.into_iter();
    Ok(found.map(|row| DatabaseSetting { role: row.role, name: row.name, value: row.value }).collect())
}

async fn grants(connection: &mut PgConnection, name: &str) -> sqlx::Result<BTreeSet<DatabaseGrant>> {
    let found = sqlx::query!(
        r#"
        SELECT r.rolname::text AS role, a.privilege_type AS "privilege!", bool_or(a.is_grantable) AS "grantable!"
        FROM pg_database d
        CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
        LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE d.datname = $1::text::name AND a.grantee <> d.datdba
        GROUP BY r.rolname, a.privilege_type
        "#,
        name,
    );
    let found = found.fetch_all(connection).await?.into_iter();
    found
        .map(|row| {
            let privilege = DatabasePrivilege::parse(&row.privilege)?;
            Ok(DatabaseGrant { role: row.role, privilege, grantable: row.grantable })
        })
        .collect()
}

/// Creates an empty database with the encoding and the locale of `properties`. No one can connect to it, not even a superuser, and
/// when connections are allowed, only its owner and superusers.
pub async fn create(
    connection: &mut PgConnection,
    name: &str,
    properties: &DatabaseProperties,
) -> sqlx::Result<()> {
    // PostgreSQL creates no database in a transaction, and several statements at once are one.
    let revoke = format!("REVOKE ALL ON DATABASE {} FROM PUBLIC", quote(name)?);
    for statement in [properties.create_statement(name)?, revoke] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Gives the database `name`, which [`create`] created, the other properties.
pub async fn apply(
    connection: &mut PgConnection,
    name: &str,
    properties: &DatabaseProperties,
) -> sqlx::Result<()> {
    for statement in properties.apply_statements(name)? {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Allows or refuses new connections to a database. Refuses them to superusers too; open connections stay open.
pub async fn allow_connections(connection: &mut PgConnection, name: &str, allowed: bool) -> sqlx::Result<()> {
    let statement = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allowed}", quote(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Ends the connections to a database except `kept`, and waits for their end. Connections that this role may not end stay open.
pub async fn end_connections(
    connection: &mut PgConnection,
    name: &str,
    kept: Option<i32>,
) -> sqlx::Result<()> {
    let others = sqlx::query_scalar!(
        r#"
        SELECT pid AS "pid!" FROM pg_stat_activity
        WHERE datname = $1::text::name AND pid <> pg_backend_pid() AND pid IS DISTINCT FROM $2
        "#,
        name,
        kept,
    );
    for pid in others.fetch_all(&mut *connection).await? {
        let end = sqlx::query("SELECT pg_terminate_backend($1, $2)").bind(pid).bind(END_CONNECTION_MILLIS);
        if let Err(error) = end.execute(&mut *connection).await {
            tracing::warn!(database = name, pid, %error, "connection not ended");
        }
    }
    Ok(())
}

/// Returns the id of the server process of this connection.
pub async fn backend_pid(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await
}
