//! A database per test, copied from one that is migrated once per test program.

use std::{collections::BTreeMap, process, thread};

use migrate::up;
use shared::db::connect_options;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::{runtime, sync::OnceCell};
use url::Url;
use uuid::Uuid;

use crate::service;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A migrated database that is dropped with this value.
pub struct Database {
    name: String,
    pool: PgPool,
}

impl Database {
    /// Creates a migrated database.
    pub async fn create() -> Self {
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = format!("template_{}", process::id());
                execute("postgres", &format!("CREATE DATABASE {name}")).await;
                let mut connection = connect(&name).await;
                up(&mut connection).await.expect("migrations apply");
                connection.close().await.expect("a clean end");
                name
            })
            .await;
        Self::create_from(template).await
    }

    /// Creates an empty database.
    pub async fn create_empty() -> Self {
        Self::create_from("template1").await
    }

    /// Creates a migrated database with options of `CREATE DATABASE`.
    pub async fn create_with(options: &str) -> Self {
        let database = Self::create_from(&format!("template0 {options}")).await;
        let mut connection = connect(&database.name).await;
        up(&mut connection).await.expect("migrations apply");
        connection.close().await.expect("a clean end");
        database
    }

    async fn create_from(template: &str) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        // Copies the files. The default, to write each block to the log, takes five times as long.
        execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
        let options = connect_options(&url(&name)).expect("a URL");
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
        Self { name, pool }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connects as the owner, without the pooler.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connects as the owner, without the pooler.
    #[must_use]
    pub fn owner_url(&self) -> String {
        url(&self.name)
    }

    /// For the functions: through the pooler.
    #[must_use]
    pub fn pooler_url(&self) -> String {
        format!("{}/{}", service("TEST_POOLER_URL"), self.name)
    }

    /// For the functions: with their login, without the pooler, which has three server connections for each database.
    #[must_use]
    pub fn direct_url(&self) -> String {
        let (mut url, server) = (Url::parse(&self.pooler_url()), Url::parse(&self.owner_url()));
        if let (Ok(url), Ok(server)) = (&mut url, &server) {
            url.set_port(server.port()).expect("a port");
        }
        url.expect("a URL").into()
    }

    /// For `retention`: through the pooler.
    #[must_use]
    pub fn retention_url(&self) -> String {
        format!("{}/{}", service("TEST_POOLER_RETENTION_URL"), self.name)
    }

    /// Returns the single value of `query`.
    pub async fn value<T>(&self, query: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.expect("one value")
    }

    /// Executes `statement` as the owner.
    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.expect("a valid statement");
    }

    /// Returns a checksum of every table, to show that nothing changed. Refused and reading requests write too, so the audit log and
    /// `last_used_at` are left out.
    pub async fn checksums(&self) -> BTreeMap<String, String> {
        let tables = "SELECT table_name::text FROM information_schema.tables
                      WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'audit_events'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&self.pool).await.expect("the tables");
        let mut checksums = BTreeMap::new();
        for table in tables {
            let statement = format!(
                "SELECT md5(coalesce(string_agg(line, ' ' ORDER BY line), ''))
                 FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS line FROM {table} t) AS lines"
            );
            let checksum = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&self.pool).await;
            checksums.insert(table, checksum.expect("a checksum"));
        }
        checksums
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let drop = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(execute("postgres", &statement));
        });
        drop.join().expect("the database is dropped");
    }
}

fn url(database: &str) -> String {
    let server = service("TEST_POSTGRES_URL");
    let (server, _) = server.rsplit_once('/').expect("a URL that ends in a database");
    format!("{server}/{database}")
}

/// Connects as the owner, without the pooler.
async fn connect(database: &str) -> PgConnection {
    PgConnection::connect_with(&connect_options(&url(database)).expect("a URL")).await.expect("a connection")
}

async fn execute(database: &str, statement: &str) {
    let mut connection = connect(database).await;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("a valid statement");
    connection.close().await.expect("a clean end");
}
