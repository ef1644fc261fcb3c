//! The cost of a request in a warm instance.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::service;
use serde_json::{Value, json};
use shared::db::connect_options;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    instance::Instance,
    report::{Report, Target},
    world::{PASSWORD, World, event, get, millis, post},
};

/// Requests per round. The figure of a round is their median.
const REQUESTS: usize = 100;
/// Fewer: hashing a password is slow.
const LOGINS: usize = 10;

/// The rounds of one route: latency and CPU time of a request, in milliseconds.
#[derive(Default)]
struct Rounds {
    latency: Vec<f64>,
    cpu: Vec<f64>,
}

impl Rounds {
    async fn round(
        &mut self,
        instance: &Instance,
        requests: usize,
        status: u16,
        mut event: impl FnMut(&Value) -> Value,
    ) -> Result<()> {
        let before = instance.cpu()?;
        let mut taken = Vec::new();
        let mut last = Value::Null;
        for _ in 0..requests {
            let (answer, took) = instance.request(&event(&last), status).await?;
            taken.push(took);
            last = answer;
        }
        self.latency.push(millis(median(taken)));
        #[expect(clippy::cast_precision_loss, reason = "a hundred")]
        self.cpu.push(millis(instance.cpu()?.saturating_sub(before)) / requests as f64);
        Ok(())
    }
}

/// Returns the median.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Measures every kind of route, alternately with the baseline and with round trips to the services.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let bare = world.start_bare().await?;
    let (auth, organizations, system) = (
        world.start("Auth", &world.environment).await?,
        world.start("Organizations", &world.environment).await?,
        world.start("System", &world.environment).await?,
    );
    let ada = world.register(&auth).await?;
    let token = Some(ada.token.as_str());
    let mut services = Services::connect(world).await?;
    let (mut redis, mut database) = (Vec::new(), Vec::new());
    let [mut floor, mut health, mut me, mut row, mut list, mut create, mut refresh, mut hash, mut login] =
        std::array::from_fn(|_| Rounds::default());
    let mut refresh_token = ada.refresh_token.clone();
    let session = format!("/v1/auth/sessions/{}", ada.session);
    for _ in 0..world.rounds {
        floor.round(&bare, REQUESTS, 200, |_| get("/health", None)).await?;
        health.round(&system, REQUESTS, 200, |_| get("/health", None)).await?;
        redis.push(services.ping().await?);
        me.round(&auth, REQUESTS, 200, |_| get("/v1/auth/me", token)).await?;
        database.push(services.select().await?);
        row.round(&auth, REQUESTS, 200, |_| get(&session, token)).await?;
        list.round(&organizations, REQUESTS, 200, |_| get("/v1/organizations", token)).await?;
        let make = |_: &Value| {
            let key = Uuid::new_v4().to_string();
            let body = json!({ "name": "Analytical Engines" });
            event("POST", "/v1/organizations", token, Some(&body), &[("idempotency-key", key.as_str())])
        };
        services.allow_organizations().await?;
        create.round(&organizations, LOGINS, 201, make).await?;
        let trade = |last: &Value| {
            if let Some(next) = last.pointer("/data/refreshToken").and_then(Value::as_str) {
                next.clone_into(&mut refresh_token);
            }
            post("/v1/auth/refresh", None, &json!({ "refreshToken": refresh_token }))
        };
        refresh.round(&auth, LOGINS, 200, trade).await?;
        // The next round begins with the newest token.
        refresh_token = services.latest(&auth, &refresh_token).await?;
        hash.round(&bare, LOGINS, 200, |_| get("/hash", None)).await?;
        let credentials = json!({ "email": ada.email, "password": PASSWORD });
        login.round(&auth, LOGINS, 201, |_| post("/v1/auth/login", None, &credentials)).await?;
    }
    report.add_value("warm", "Redis: one round trip", "ms", &redis, Target::None);
    report.add_value("warm", "PostgreSQL, through the pooler: one round trip", "ms", &database, Target::None);
    report.add_ratio("warm", "GET /health", "ms", (&floor.latency, &health.latency), Target::AtMost(1.25));
    let over = |ours: &[f64], base: &[f64], trip: &[f64]| -> Vec<f64> {
        ours.iter().zip(base).zip(trip).map(|((ours, base), trip)| (ours - base) / trip).collect()
    };
    let cached = over(&me.latency, &floor.latency, &redis);
    report.add_value(
        "warm",
        "GET from cache, above the baseline, in Redis round trips",
        "RTT",
        &cached,
        Target::AtMost(1.5),
    );
    let rows = over(&row.latency, &me.latency, &database);
    report.add_value(
        "warm",
        "GET of one row, above GET from cache, in database round trips",
        "RTT",
        &rows,
        Target::AtMost(4.0),
    );
    for (what, rounds) in [
        ("GET from cache", &me),
        ("GET of one row", &row),
        ("list of organizations", &list),
        ("create with Idempotency-Key", &create),
        ("refresh", &refresh),
    ] {
        report.add_ratio("warm", what, "ms", (&floor.latency, &rounds.latency), Target::None);
        report.add_ratio("warm", format!("{what}: CPU"), "ms", (&floor.cpu, &rounds.cpu), Target::None);
    }
    report.add_ratio(
        "login",
        "login, compared with the bare hash",
        "ms",
        (&hash.latency, &login.latency),
        Target::AtMost(1.1),
    );
    report.add_ratio("login", "login: CPU", "ms", (&hash.cpu, &login.cpu), Target::None);
    report.add_value("login", "memory of auth", "MiB", &[auth.peak_memory()?], Target::AtMost(40.0));
    measure_two_instances(world, report).await
}

/// Measures logins per second, with one instance and with two.
async fn measure_two_instances(world: &World, report: &mut Report) -> Result<()> {
    let mut rates: [Vec<f64>; 2] = Default::default();
    let instances =
        [world.start("Auth", &world.environment).await?, world.start("Auth", &world.environment).await?];
    let ada = world.register(&instances[0]).await?;
    let event = post("/v1/auth/login", None, &json!({ "email": ada.email, "password": PASSWORD }));
    let logins = async |instance: &Instance| -> Result<()> {
        for _ in 0..LOGINS {
            instance.request(&event, 201).await?;
        }
        Ok(())
    };
    #[expect(clippy::cast_precision_loss, reason = "twenty")]
    for _ in 0..world.rounds {
        let started = Instant::now();
        logins(&instances[0]).await?;
        rates[0].push(LOGINS as f64 / started.elapsed().as_secs_f64());
        let started = Instant::now();
        let (one, other) = tokio::join!(logins(&instances[0]), logins(&instances[1]));
        one.and(other)?;
        rates[1].push(2.0 * LOGINS as f64 / started.elapsed().as_secs_f64());
    }
    report.add_ratio(
        "login",
        "two instances, compared with one",
        "/s",
        (&rates[0], &rates[1]),
        Target::AtLeast(1.5),
    );
    Ok(())
}

/// Direct connections, to measure round trips.
struct Services {
    redis: redis::aio::MultiplexedConnection,
    database: PgConnection,
}

impl Services {
    async fn connect(world: &World) -> Result<Self> {
        let redis =
            redis::Client::open(service("TEST_REDIS_URL"))?.get_multiplexed_async_connection().await?;
        let database = PgConnection::connect_with(&connect_options(&world.database.pooler_url())?).await?;
        Ok(Self { redis, database })
    }

    async fn ping(&mut self) -> Result<f64> {
        let mut taken = Vec::new();
        for _ in 0..REQUESTS {
            let started = Instant::now();
            redis::cmd("PING").query_async::<()>(&mut self.redis).await?;
            taken.push(started.elapsed());
        }
        Ok(millis(median(taken)))
    }

    async fn select(&mut self) -> Result<f64> {
        let mut taken = Vec::new();
        for _ in 0..REQUESTS {
            let started = Instant::now();
            sqlx::raw_sql("SELECT 1").execute(&mut self.database).await?;
            taken.push(started.elapsed());
        }
        Ok(millis(median(taken)))
    }

    /// Verifies all addresses and removes earlier organizations: a user can own 20.
    async fn allow_organizations(&mut self) -> Result<()> {
        let allow = "UPDATE users SET email_verified_at = created_at WHERE email_verified_at IS NULL;
                     DELETE FROM organizations WHERE personal_to IS NULL";
        sqlx::raw_sql(allow).execute(&mut self.database).await?;
        Ok(())
    }

    /// Returns the successor of `token`. Repeated within 10 s, a refresh returns the same successor.
    async fn latest(&self, auth: &Instance, token: &str) -> Result<String> {
        let (answer, _) =
            auth.request(&post("/v1/auth/refresh", None, &json!({ "refreshToken": token })), 200).await?;
        Ok(answer.pointer("/data/refreshToken").and_then(Value::as_str).context("a token")?.to_owned())
    }
}
