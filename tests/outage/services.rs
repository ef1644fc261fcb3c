//! A PostgreSQL, a PgBouncer and a Redis for one test.

use std::{fs, path::PathBuf};

use harness::{Identity, TestApp, service};
use local_stack::{
    Credentials, Interrupt, Packages, Scratch, Tools,
    pgbouncer::{self, PgBouncer},
    ports,
    postgres::{self, Postgres},
    redis::{self, Redis},
};
use shared::db::connect_options;
use sqlx::{Connection, PgConnection};
use tokio::task::block_in_place;

pub struct Services {
    // Stopped in this order, before their folder is deleted.
    pooler: PgBouncer,
    postgres: Postgres,
    redis: Redis,
    pooler_port: u16,
    authority: PathBuf,
    interrupt: Interrupt,
    _scratch: Scratch,
}

impl Services {
    pub async fn start() -> Self {
        let services = block_in_place(Self::launch).expect("services");
        let options = connect_options(&services.postgres.url("arches")).expect("a URL");
        let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
        migrate::up(&mut connection).await.expect("migrations apply");
        connection.close().await.expect("a clean end");
        services
    }

    fn launch() -> anyhow::Result<Self> {
        let (interrupt, scratch) = (Interrupt::default(), Scratch::create()?);
        let dir = scratch.path().to_owned();
        let tools = Tools::at(service("TEST_TOOLS"));
        let packages = Packages::find().expect("redis-server and pgbouncer");
        let credentials = Credentials::load_or_create(&dir)?;
        // Committed data must survive the crash.
        let settings = postgres::Settings { dir: dir.clone(), port: ports::free()?, durable: true };
        let postgres = Postgres::start(&tools, settings, &credentials, &interrupt)?;
        let pooler_port = ports::free()?;
        let identity = Identity::localhost();
        let write = |name: &str, text: String| {
            let path = dir.join(name);
            fs::write(&path, text).map(|()| path)
        };
        let authority = write("authority.pem", identity.authority)?;
        let settings = pgbouncer::Settings {
            dir: dir.clone(),
            port: pooler_port,
            pool_size: 3,
            min_pool_size: 0,
            idle_seconds: 600,
            tls: Some([write("server.pem", identity.certificate)?, write("server.key", identity.key)?]),
        };
        let pooler = PgBouncer::start(&packages, settings, &postgres, &credentials, &interrupt)?;
        let settings = redis::Settings { dir, port: ports::free()?, durable: false };
        let redis = Redis::start(&packages, settings, &credentials, &interrupt)?;
        Ok(Self { pooler, postgres, redis, pooler_port, authority, interrupt, _scratch: scratch })
    }

    /// Starts the API on these services.
    pub async fn app(&self, settings: &[(&str, &str)]) -> TestApp {
        let (database, redis) = (self.pooler_url(), self.redis.url());
        let mut all = vec![("DATABASE_URL", database.as_str()), ("REDIS_URL", redis.as_str())];
        all.extend(settings);
        TestApp::with(&all).await
    }

    pub fn pooler_url(&self) -> String {
        format!("{}/arches?sslmode=disable", self.pooler.url())
    }

    /// Returns the path of the certificate of the authority that signed the pooler's.
    pub fn authority(&self) -> String {
        self.authority.display().to_string()
    }

    /// Connects as the owner, without the pooler.
    pub fn owner_url(&self) -> String {
        self.postgres.url("arches")
    }

    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    pub fn pooler_port(&self) -> u16 {
        self.pooler_port
    }

    pub fn stop_postgres(&mut self) {
        block_in_place(|| self.postgres.kill());
    }

    pub fn resume_postgres(&mut self) {
        block_in_place(|| self.postgres.resume(&self.interrupt)).expect("PostgreSQL is back");
    }

    pub fn stop_pooler(&mut self) {
        block_in_place(|| self.pooler.stop());
    }

    pub fn resume_pooler(&mut self) {
        block_in_place(|| self.pooler.resume(&self.interrupt)).expect("PgBouncer is back");
    }

    pub fn stop_redis(&mut self) {
        block_in_place(|| self.redis.kill());
    }

    pub fn resume_redis(&mut self) {
        block_in_place(|| self.redis.resume(&self.interrupt)).expect("Redis is back");
    }
}
