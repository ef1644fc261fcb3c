//! All services together.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};

use crate::{
    Aws, Credentials, Interrupt, Packages, PgBouncer, Postgres, Redis, Report, Tools, aws, pgbouncer,
    postgres, redis, service,
};

/// What the services are started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A developer at work: data stays.
    Development,
    /// A test run: nothing stays, and nothing waits for a disk.
    Test,
    /// Measuring: the same, with a pooler as large as production's.
    Measurement,
}

/// The ports of the services on the loopback address.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// PostgreSQL.
    pub postgres: u16,
    /// PgBouncer.
    pub pooler: u16,
    /// Redis.
    pub redis: u16,
    /// The stand-ins for AWS.
    pub aws: u16,
}

impl Ports {
    /// Ports that nobody listens on.
    pub fn free() -> Result<Self> {
        use crate::ports::free;
        Ok(Self { postgres: free()?, pooler: free()?, redis: free()?, aws: free()? })
    }
}

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What for.
    pub purpose: Purpose,
    /// The folder for data, logs and configuration.
    pub dir: PathBuf,
    /// Where each service listens.
    pub ports: Ports,
    /// A database of the user's own, in place of the embedded one. It is never wiped.
    pub database_url: Option<String>,
    /// What the functions say their version is.
    pub version: String,
}

/// The running services. Dropping it stops them, the last started first.
#[derive(Debug)]
pub struct Stack {
    // In the order in which they are to stop.
    pub(crate) aws: Aws,
    pooler: Option<PgBouncer>,
    redis: Redis,
    postgres: Option<Postgres>,
    pub(crate) settings: Settings,
}

impl Stack {
    /// Starts everything at once and waits until everything answers. What an earlier run left is stopped first.
    pub fn start(
        tools: &Tools,
        packages: &Packages,
        settings: Settings,
        interrupt: &Interrupt,
        report: &dyn Report,
    ) -> Result<Self> {
        for name in crate::leftovers::stop(&settings.dir)? {
            report.begins(&format!("Stopped {name}, left over from an earlier run"));
        }
        // A log tells of one run.
        for name in ["initdb", "postgres", "pgbouncer", "redis", "aws"] {
            let _not_there = fs::remove_file(service::log_path(&settings.dir, name));
        }
        let credentials = Credentials::kept_in(&settings.dir)?;
        let begin =
            Starter { tools, packages, settings: &settings, credentials: &credentials, interrupt, report };
        let (databases, redis, aws) = thread::scope(|scope| {
            let databases = scope.spawn(|| begin.databases());
            let redis = scope.spawn(|| begin.redis());
            let aws = scope.spawn(|| begin.aws());
            (databases.join(), redis.join(), aws.join())
        });
        let panicked = |_| anyhow!("a thread panicked");
        let (databases, redis, aws) =
            (databases.map_err(panicked)?, redis.map_err(panicked)?, aws.map_err(panicked)?);
        let ((postgres, pooler), redis, aws) = (databases?, redis?, aws?);
        Ok(Self { aws, pooler, redis, postgres, settings })
    }

    /// Fails with the name and the end of the log of a service that has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.postgres.as_mut().map_or(Ok(()), Postgres::check)?;
        self.pooler.as_mut().map_or(Ok(()), PgBouncer::check)?;
        self.redis.check()?;
        self.aws.check()
    }

    /// The embedded PostgreSQL, unless the user brought a database.
    #[must_use]
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// The pooler in front of it.
    #[must_use]
    pub fn pooler(&self) -> Option<&PgBouncer> {
        self.pooler.as_ref()
    }

    /// Redis.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The folder of the mails that were sent.
    #[must_use]
    pub fn mailbox(&self) -> PathBuf {
        aws::mailbox(&self.settings.dir)
    }
}

/// Removes the data of the embedded services in `dir`, and the logs of the last run. The tools stay.
pub fn reset(dir: &Path) -> Result<()> {
    crate::leftovers::stop(dir)?;
    for name in ["postgres", "postgres.new", "redis", "mail", "logs"] {
        let path = dir.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    for name in ["credentials.json", "secrets.json"] {
        let _not_there = fs::remove_file(dir.join(name));
    }
    Ok(())
}

/// What each service needs for its start.
struct Starter<'a> {
    tools: &'a Tools,
    packages: &'a Packages,
    settings: &'a Settings,
    credentials: &'a Credentials,
    interrupt: &'a Interrupt,
    report: &'a dyn Report,
}

impl Starter<'_> {
    fn databases(&self) -> Result<(Option<Postgres>, Option<PgBouncer>)> {
        if self.settings.database_url.is_some() {
            return Ok((None, None));
        }
        let (dir, ports) = (&self.settings.dir, self.settings.ports);
        let durable = self.settings.purpose == Purpose::Development;
        let begin = Instant::now();
        let settings = postgres::Settings { dir: dir.clone(), port: ports.postgres, durable };
        let postgres = Postgres::start(self.tools, settings, self.credentials, self.interrupt)?;
        self.report.done("PostgreSQL", begin.elapsed());

        let begin = Instant::now();
        let settings = match self.settings.purpose {
            Purpose::Development => pgbouncer::Settings {
                dir: dir.clone(),
                port: ports.pooler,
                pool_size: 25,
                min_pool_size: 10,
                idle_seconds: 600,
            },
            // Every test has a database of its own, so many small pools share one server.
            Purpose::Test => pgbouncer::Settings {
                dir: dir.clone(),
                port: ports.pooler,
                pool_size: 3,
                min_pool_size: 0,
                idle_seconds: 5,
            },
            Purpose::Measurement => pgbouncer::Settings {
                dir: dir.clone(),
                port: ports.pooler,
                pool_size: 25,
                min_pool_size: 0,
                idle_seconds: 5,
            },
        };
        let pooler = PgBouncer::start(self.packages, settings, &postgres, self.credentials, self.interrupt)?;
        self.report.done("PgBouncer", begin.elapsed());
        Ok((Some(postgres), Some(pooler)))
    }

    fn redis(&self) -> Result<Redis> {
        let begin = Instant::now();
        let settings = redis::Settings {
            dir: self.settings.dir.clone(),
            port: self.settings.ports.redis,
            durable: self.settings.purpose == Purpose::Development,
        };
        let redis = Redis::start(self.packages, settings, self.credentials, self.interrupt)?;
        self.report.done("Redis", begin.elapsed());
        Ok(redis)
    }

    fn aws(&self) -> Result<Aws> {
        let begin = Instant::now();
        let ports = self.settings.ports;
        let pooled = format!("{}/{}", pgbouncer::url(self.credentials, ports.pooler), postgres::DATABASE);
        let direct = postgres::url(self.credentials, ports.postgres, postgres::DATABASE);
        let retention =
            format!("{}/{}", pgbouncer::janitor_url(self.credentials, ports.pooler), postgres::DATABASE);
        let backup = postgres::backup_url(self.credentials, ports.postgres, postgres::DATABASE);
        let own = &self.settings.database_url;
        let settings = aws::Settings {
            dir: self.settings.dir.clone(),
            port: ports.aws,
            database_url: own.clone().unwrap_or(pooled),
            database_owner_url: own.clone().unwrap_or(direct),
            database_retention_url: own.clone().unwrap_or(retention),
            database_backup_url: own.clone().unwrap_or(backup),
            redis_url: redis::url(self.credentials, ports.redis),
        };
        let aws = Aws::start(self.tools, &settings, self.interrupt)?;
        self.report.done("AWS stand-ins", begin.elapsed());
        Ok(aws)
    }
}
