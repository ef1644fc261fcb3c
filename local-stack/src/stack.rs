//! All services together.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};

use crate::{
    Aws, Credentials, Interrupt, Model, Packages, PgBouncer, Postgres, Redis, Report, Service, Tools, aws,
    console, pgbouncer, postgres, providers, redis, service,
};

/// The purpose of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Development: data is kept.
    Development,
    /// A test run: no data is kept, and nothing waits for a disk.
    Test,
    /// A benchmark: like a test run, with a pooler as large as in production.
    Measurement,
}

/// The ports of the services on the loopback address.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub postgres: u16,
    /// Of PgBouncer.
    pub pooler: u16,
    pub redis: u16,
    /// Of the stand-ins for AWS.
    pub aws: u16,
    /// Of the embedding model.
    pub model: u16,
    /// Of the identity providers.
    pub providers: u16,
    /// Of the console.
    pub console: u16,
}

impl Ports {
    /// Returns unused ports.
    pub fn free() -> Result<Self> {
        use crate::ports::free;
        Ok(Self {
            postgres: free()?,
            pooler: free()?,
            redis: free()?,
            aws: free()?,
            model: free()?,
            providers: free()?,
            console: free()?,
        })
    }
}

/// The settings of a stack.
#[derive(Debug, Clone)]
pub struct Settings {
    pub purpose: Purpose,
    /// The folder for data, logs and configuration.
    pub dir: PathBuf,
    pub ports: Ports,
    /// The user's own database, in place of the embedded one. It is never reset.
    pub database_url: Option<String>,
    /// The version that the functions report.
    pub version: String,
    /// The address of the API, as browsers see it.
    pub api_url: String,
    /// The address of the console, as browsers see it.
    pub console_url: String,
    /// The address that the console listens on.
    pub console_host: IpAddr,
}

/// The running services. Dropping it stops them, the last started first.
#[derive(Debug)]
pub struct Stack {
    // In the order in which they are stopped.
    pub(crate) aws: Aws,
    model: Model,
    /// `None` for a measurement, which has no browser. So is the console.
    providers: Option<Service>,
    console: Option<Service>,
    pooler: Option<PgBouncer>,
    redis: Redis,
    postgres: Option<Postgres>,
    pub(crate) settings: Settings,
}

impl Stack {
    /// Stops processes of a killed run, starts all services concurrently, and waits until they are ready.
    pub fn start(
        tools: &Tools,
        packages: &Packages,
        settings: Settings,
        interrupt: &Interrupt,
        report: &dyn Report,
    ) -> Result<Self> {
        for name in crate::orphans::stop(&settings.dir)? {
            report.begins(&format!("Stopped {name}, left over from an earlier run"));
        }
        // A log has the lines of one run only.
        for name in [
            "initdb",
            "postgres",
            "pgbouncer",
            "redis",
            "aws",
            "model",
            "queues",
            providers::NAME,
            console::NAME,
        ] {
            let _not_there = fs::remove_file(service::log_path(&settings.dir, name));
        }
        let credentials = Credentials::load_or_create(&settings.dir)?;
        let starter =
            Starter { tools, packages, settings: &settings, credentials: &credentials, interrupt, report };
        let (databases, redis, aws, model, providers, console) = thread::scope(|scope| {
            let databases = scope.spawn(|| starter.databases());
            let redis = scope.spawn(|| starter.redis());
            let aws = scope.spawn(|| starter.aws());
            let model = scope.spawn(|| starter.model());
            let providers = scope.spawn(|| starter.providers());
            let console = scope.spawn(|| starter.console());
            (databases.join(), redis.join(), aws.join(), model.join(), providers.join(), console.join())
        });
        let panicked = |_| anyhow!("a thread panicked");
        let (databases, redis) = (databases.map_err(panicked)?, redis.map_err(panicked)?);
        let (aws, model) = (aws.map_err(panicked)?, model.map_err(panicked)?);
        let (providers, console) = (providers.map_err(panicked)?, console.map_err(panicked)?);
        let ((postgres, pooler), redis, aws, model) = (databases?, redis?, aws?, model?);
        Ok(Self { aws, model, providers: providers?, console: console?, pooler, redis, postgres, settings })
    }

    /// Fails with the name and the end of the log of a service that has exited.
    pub fn check(&mut self) -> Result<()> {
        self.postgres.as_mut().map_or(Ok(()), Postgres::check)?;
        self.pooler.as_mut().map_or(Ok(()), PgBouncer::check)?;
        self.redis.check()?;
        self.model.check()?;
        self.providers.as_mut().map_or(Ok(()), Service::check)?;
        self.console.as_mut().map_or(Ok(()), Service::check)?;
        self.aws.check()
    }

    /// Returns the embedded PostgreSQL. `None` if the user's own database is used.
    #[must_use]
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// Returns the pooler in front of the embedded PostgreSQL.
    #[must_use]
    pub fn pooler(&self) -> Option<&PgBouncer> {
        self.pooler.as_ref()
    }

    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// Returns the folder of the sent mails.
    #[must_use]
    pub fn mailbox(&self) -> PathBuf {
        aws::mailbox(&self.settings.dir)
    }
}

/// Deletes the data of the embedded services in `dir`, and the logs of the last run. Keeps the tools.
pub fn reset(dir: &Path) -> Result<()> {
    crate::orphans::stop(dir)?;
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

/// Starts the services.
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
                tls: None,
            },
            // Every test has its own database, so many small pools share one server.
            Purpose::Test => pgbouncer::Settings {
                dir: dir.clone(),
                port: ports.pooler,
                pool_size: 3,
                min_pool_size: 0,
                idle_seconds: 5,
                tls: None,
            },
            Purpose::Measurement => pgbouncer::Settings {
                dir: dir.clone(),
                port: ports.pooler,
                pool_size: 25,
                min_pool_size: 0,
                idle_seconds: 5,
                tls: None,
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

    fn model(&self) -> Result<Model> {
        let begin = Instant::now();
        let model = Model::start(self.tools, &self.settings.dir, self.settings.ports.model, self.interrupt)?;
        self.report.done("Embedding model", begin.elapsed());
        Ok(model)
    }

    fn providers(&self) -> Result<Option<Service>> {
        if self.settings.purpose == Purpose::Measurement {
            return Ok(None);
        }
        let begin = Instant::now();
        let Settings { dir, ports, api_url, .. } = self.settings;
        let service = providers::start(self.tools, dir, ports.providers, api_url, self.interrupt)?;
        self.report.done("Identity providers", begin.elapsed());
        Ok(Some(service))
    }

    fn console(&self) -> Result<Option<Service>> {
        if self.settings.purpose == Purpose::Measurement {
            return Ok(None);
        }
        let Settings { dir, ports, api_url, console_host, .. } = self.settings;
        let settings = console::Settings {
            host: *console_host,
            port: ports.console,
            files: console::files(dir),
            api_url: api_url.clone(),
            uploads_url: aws::url(ports.aws),
        };
        console::start(self.tools, dir, &settings, self.interrupt).map(Some)
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
            origins: vec![self.settings.console_url.clone()],
        };
        let aws = Aws::start(self.tools, &settings, self.interrupt)?;
        self.report.done("AWS stand-ins", begin.elapsed());
        Ok(aws)
    }
}
