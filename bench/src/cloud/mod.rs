//! The functions behind the delays of a region, beside better-auth behind the same: `cargo xtask bench cloud`.

mod accuracy;
mod better_auth;
mod calls;
mod cold;
mod delay;
mod samples;
mod table;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use axum::{Json, Router, routing::post};
use harness::{Database, service};
use sqlx::AssertSqlSafe;
use tokio::net::TcpListener;
use url::Url;

use self::{
    accuracy::Accuracy,
    better_auth::BetterAuth,
    calls::{Call, Ours},
    delay::DelayProxy,
    samples::{Samples, Server},
    table::Table,
};
use crate::{
    instance::Instance,
    world::{World, get},
};

/// What to measure.
pub struct Options {
    /// The built functions.
    pub programs: PathBuf,
    /// The program of the baseline.
    pub bare: PathBuf,
    /// The folder of better-auth's server.
    pub better_auth: PathBuf,
    pub rounds: usize,
    /// The delays in each direction.
    pub postgres: Duration,
    pub redis: Duration,
}

/// Measures everything. Returns the section of `docs/performance.md`, and the figures as JSON.
pub async fn run(options: Options) -> Result<(String, serde_json::Value)> {
    let Options { programs, bare, better_auth, rounds, postgres, redis } = options;
    let postgres = accuracy::adjust("PostgreSQL", postgres)?;
    let redis = accuracy::adjust("Redis", redis)?;
    let world = World::create(programs, bare, rounds).await;
    let mut servers = Servers::start(&world, &better_auth, &postgres, &redis).await?;
    let mut samples = Samples::default();
    for call in Call::ALL {
        servers.prepare(&world, call).await?;
        for turn in 0..call.to_warm_up() {
            servers.make(call, turn, &mut Samples::default()).await?;
        }
    }
    progress("Warmed up");
    for round in 1..=rounds {
        let started = Instant::now();
        for call in Call::ALL {
            servers.prepare(&world, call).await?;
            let before = servers.trips();
            for turn in 0..call.per_round() {
                servers.make(call, turn, &mut samples).await?;
            }
            samples.add_trips(call, &before, &servers.trips());
        }
        progress(&format!("Round {round} of {rounds}, {:.1} s", started.elapsed().as_secs_f64()));
    }
    drop(servers);
    let cold = cold::run(&world, &postgres, &redis).await?;
    let table = Table { samples: &samples, cold: &cold, accuracies: [&postgres, &redis], rounds };
    Ok((table.text(), table.json()))
}

/// All servers that are compared, each with its own proxies.
struct Servers {
    ours: Ours,
    /// Hashes passwords and does nothing else.
    bare: Instance,
    argon2id: BetterAuth,
    scrypt: BetterAuth,
    /// In front of Redis, and of PostgreSQL for each server.
    redis: DelayProxy,
    postgres: [DelayProxy; 3],
    /// better-auth's own, dropped at the end.
    _database: Database,
}

impl Servers {
    async fn start(world: &World, folder: &Path, postgres: &Accuracy, redis: &Accuracy) -> Result<Self> {
        let (mut environment, redis) = delayed_redis(&world.environment, redis)?;
        let (url, ours_postgres) = delayed(&world.database.pooler_url(), postgres)?;
        environment.insert("DATABASE_URL".to_owned(), url);
        // Longer than the longest run.
        environment.insert("JWT_EXPIRY".to_owned(), "7d".to_owned());
        environment.insert("AWS_ENDPOINT_URL_SESV2".to_owned(), mail_service().await?);
        let ours = Ours::start(world, &environment).await?;
        let argon2 = stored_parameters(world).await?;
        progress(&format!("Functions started; they hash with argon2id ({argon2})"));

        let database = Database::create_empty().await;
        better_auth::migrate(folder, &database.owner_url()).await?;
        // The login of the functions reads and writes these tables too.
        let grant = "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC";
        sqlx::query(AssertSqlSafe(grant)).execute(database.pool()).await?;
        let (url, argon2id_postgres) = delayed(&database.pooler_url(), postgres)?;
        let argon2id = BetterAuth::start(folder, &url, Some(&argon2)).await?;
        let (url, scrypt_postgres) = delayed(&database.pooler_url(), postgres)?;
        let scrypt = BetterAuth::start(folder, &url, None).await?;
        progress("better-auth started, with argon2id and with its default");
        let postgres = [ours_postgres, argon2id_postgres, scrypt_postgres];
        Ok(Self {
            ours,
            bare: world.start_bare().await?,
            argon2id,
            scrypt,
            redis,
            postgres,
            _database: database,
        })
    }

    /// Prepares the calls of a round.
    async fn prepare(&mut self, world: &World, call: Call) -> Result<()> {
        if matches!(call, Call::Create | Call::CreateWithKey) {
            // Only users with a verified address create organizations, and a user can own 20.
            world.database.execute("UPDATE users SET email_verified_at = created_at").await;
            world.database.execute("DELETE FROM organizations WHERE personal_to IS NULL").await;
        }
        self.ours.fill_cache().await
    }

    /// Makes the call to each server once. Each turn begins with another server: none is always the first after a pause.
    async fn make(&mut self, call: Call, turn: usize, samples: &mut Samples) -> Result<()> {
        for place in 0..Server::ALL.len() {
            let server = Server::ALL[(turn + place) % Server::ALL.len()];
            let took = match server {
                Server::Ours => Some(self.ours.call(call).await?),
                Server::Argon2id => self.argon2id.call(call).await?,
                Server::Scrypt => self.scrypt.call(call).await?,
                Server::Hash if call == Call::SignIn => {
                    Some(self.bare.request(&get("/hash", None), 200).await?.1)
                }
                Server::Hash if call == Call::Health => {
                    Some(self.bare.request(&get("/health", None), 200).await?.1)
                }
                Server::Hash => None,
            };
            if let Some(took) = took {
                samples.add(server, call, took);
            }
        }
        Ok(())
    }

    /// Returns the round trips so far: ours to Redis, and those of each server to PostgreSQL.
    fn trips(&self) -> [usize; 4] {
        let [ours, argon2id, scrypt] = &self.postgres;
        [&self.redis, ours, argon2id, scrypt].map(DelayProxy::trips)
    }
}

/// Starts a proxy in front of the service at `url`. Returns the URL through it.
fn delayed(url: &str, accuracy: &Accuracy) -> Result<(String, DelayProxy)> {
    let mut url = Url::parse(url)?;
    let service = url.socket_addrs(|| None)?;
    let proxy = DelayProxy::start(*service.first().context("an address")?, &accuracy.delay)?;
    let SocketAddr::V4(address) = proxy.address else { anyhow::bail!("an address of IPv4") };
    url.set_port(Some(address.port())).map_err(|()| anyhow::anyhow!("a URL with a port"))?;
    Ok((url.into(), proxy))
}

/// Returns `environment` with Redis behind a delay.
fn delayed_redis(
    environment: &HashMap<String, String>,
    accuracy: &Accuracy,
) -> Result<(HashMap<String, String>, DelayProxy)> {
    let (url, proxy) = delayed(&service("TEST_REDIS_URL"), accuracy)?;
    let mut environment = environment.clone();
    environment.insert("REDIS_URL".to_owned(), url);
    Ok((environment, proxy))
}

/// Starts a stand-in for SES that answers immediately. Returns its URL.
async fn mail_service() -> Result<String> {
    let sent = post(async || Json(serde_json::json!({ "MessageId": "sent" })));
    let router = Router::new().route("/v2/email/outbound-emails", sent);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// Returns the parameters of a hash that our functions have stored: memory in KiB, passes and lanes.
async fn stored_parameters(world: &World) -> Result<String> {
    let query = "SELECT password_hash FROM users WHERE password_hash IS NOT NULL LIMIT 1";
    let hash: String = world.database.value(query).await;
    let parameters = hash.strip_prefix("$argon2id$v=19$").and_then(|rest| rest.split('$').next());
    let parameters = parameters.context("a password hash of argon2id")?.split(',');
    Ok(parameters.filter_map(|field| Some(field.split_once('=')?.1)).collect::<Vec<_>>().join(","))
}

fn progress(what: &str) {
    eprintln!("  ✓ {what}");
}
