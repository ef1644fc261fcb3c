//! `cargo xtask dev`

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use local_stack::{
    Packages, Report, Service, Stack, ToolSet, Tools,
    environment::set_variables,
    orphans, ports,
    queues::Pump,
    receivers,
    stack::{self, Ports, Purpose, Settings},
};

use crate::{
    console,
    dev_log::{Follower, Reader},
    http,
    metrics::Metrics,
    observer::Observer,
    progress::{Lines, step},
    project::{Profile, Project},
    sweeper::Sweeper,
    welcome,
};

/// Time between two checks of the running processes.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Enough to compile all functions again.
const READY_TIMEOUT: Duration = Duration::from_mins(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that show that the functions work: path, and expected status without a token.
const READINESS_CHECKS: [(&str, u16); 3] = [("/health", 200), ("/ready", 200), ("/v1/auth/me", 401)];

/// Run everything on this machine: database, pooler, Redis, embedding model, identity providers, AWS stand-ins, all functions and the console
///
/// The first start installs everything it needs into .dev and `web/platform/node_modules`. Data is kept in .dev until `--reset`. Changed code is
/// compiled again. Ctrl-C stops everything.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask dev --reset\n  cargo xtask dev --observe\n  cargo xtask dev --host 0.0.0.0 --port 8080"
)]
pub struct Arguments {
    /// Delete the local database, cache and mailbox first
    #[arg(long)]
    reset: bool,
    /// Build with optimizations: slow to build, as fast as in production
    #[arg(long)]
    release: bool,
    /// Maximum number of concurrent requests per function
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Port of the API
    #[arg(long, env = "API_PORT", default_value_t = 9000)]
    port: u16,
    /// IP address that the API and the console listen on
    #[arg(long, env = "API_HOST", default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// Use this database instead of the embedded one; `--reset` does not delete it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Port of the embedded PostgreSQL
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 9001, value_name = "PORT")]
    postgres_port: u16,
    /// Port of PgBouncer
    #[arg(long, env = "POOLER_PORT", default_value_t = 9002, value_name = "PORT")]
    pooler_port: u16,
    /// Port of Redis
    #[arg(long, env = "REDIS_PORT", default_value_t = 9003, value_name = "PORT")]
    redis_port: u16,
    /// Port of the AWS stand-ins
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
    /// Port of the console
    #[arg(long, env = "CONSOLE_PORT", default_value_t = 9005, value_name = "PORT")]
    console_port: u16,
    /// Port of the identity providers
    #[arg(long, env = "PROVIDERS_PORT", default_value_t = 9006, value_name = "PORT")]
    providers_port: u16,
    /// Port of the embedding model
    #[arg(long, env = "MODEL_PORT", default_value_t = 9007, value_name = "PORT")]
    model_port: u16,
    /// Port of the functions' metrics, as Prometheus text
    #[arg(long, env = "METRICS_PORT", default_value_t = 9090, value_name = "PORT")]
    metrics_port: u16,
    /// Also run a receiver of traces and a viewer of errors, and send them what the functions log
    #[arg(long)]
    observe: bool,
    /// Port of the receiver of traces, with `--observe`
    #[arg(long, env = "COLLECTOR_PORT", default_value_t = 4318, value_name = "PORT")]
    collector_port: u16,
    /// Port of the viewer of errors, with `--observe`
    #[arg(long, env = "SENTRY_PORT", default_value_t = 8969, value_name = "PORT")]
    sentry_port: u16,
}

/// Runs until Ctrl-C, or until a service fails.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let begin = Instant::now();
    let _lock = lock(&project.dev())?;
    for name in orphans::stop(&project.dev())? {
        Lines.begins(&format!("Stopped {name}, left over from an earlier run"));
    }
    require_free_ports(arguments)?;
    if arguments.reset {
        stack::reset(&project.dev())?;
    }
    let tools = project.tools(if arguments.observe { ToolSet::Observe } else { ToolSet::Services })?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;

    let mut stack = start(project, arguments, &tools, &packages)?;
    let mut console = console::watch(project, &tools)?;
    let mut receivers = start_receivers(project, arguments, &tools)?;
    let mut functions = watch(project, arguments, &tools, &stack)?;
    let follower = follow(project, arguments, &stack)?;
    step("Functions", || await_ready(project, arguments, &mut functions))?;
    let pump = Pump::start(arguments.aws_port, &arguments.local_address(), &project.dev())?;
    let sweeper = Sweeper::start(project, arguments.profile(), &stack)?;
    welcome::print(arguments, &stack, begin.elapsed())?;

    while !project.interrupt.requested() {
        functions.check()?;
        stack.check()?;
        console.check()?;
        receivers.iter_mut().try_for_each(Service::check)?;
        thread::sleep(POLL_INTERVAL);
    }
    eprintln!("\nStopping …");
    drop(sweeper);
    drop(pump);
    drop(functions);
    drop(follower);
    drop(receivers);
    drop(console);
    drop(stack);
    eprintln!("Stopped. The data is kept in .dev; `cargo xtask dev --reset` deletes it.");
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Returns host and port of the API.
    pub fn address(&self) -> String {
        std::net::SocketAddr::from((self.host, self.port)).to_string()
    }

    /// Returns the address of the API, as browsers see it. They send its cookies to the console only if both have one host.
    pub fn api_url(&self) -> String {
        self.url(self.port)
    }

    /// Returns the address of the console, as browsers see it.
    pub fn console_url(&self) -> String {
        self.url(self.console_port)
    }

    fn url(&self, port: u16) -> String {
        if self.host.is_unspecified() || self.host.is_loopback() {
            format!("http://localhost:{port}")
        } else {
            format!("http://{}", std::net::SocketAddr::from((self.host, port)))
        }
    }

    /// Returns host and port at which this machine reaches the API.
    fn local_address(&self) -> String {
        if self.host.is_unspecified() { format!("127.0.0.1:{}", self.port) } else { self.address() }
    }

    /// Returns whether the user's own database is used.
    pub fn has_own_database(&self) -> bool {
        self.database_url.is_some()
    }

    /// Returns the port of the embedding model.
    pub fn model_port(&self) -> u16 {
        self.model_port
    }

    /// Returns the port of the identity providers.
    pub fn providers_port(&self) -> u16 {
        self.providers_port
    }

    /// Returns the port of the metrics.
    pub fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// Returns the ports of the receivers of traces and of errors. `None` without `--observe`.
    pub fn receivers(&self) -> Option<(u16, u16)> {
        self.observe.then_some((self.collector_port, self.sentry_port))
    }

    fn profile(&self) -> Profile {
        if self.release { Profile::Release } else { Profile::Dev }
    }
}

/// Locks `.dev/lock`. The lock ends when the file is dropped.
fn lock(dev: &Path) -> Result<File> {
    std::fs::create_dir_all(dev).with_context(|| format!("create {}", dev.display()))?;
    let path = dev.join("lock");
    let mut file =
        File::options().create(true).truncate(false).write(true).open(&path).context("open .dev/lock")?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let owner = std::fs::read_to_string(&path).unwrap_or_default();
            bail!(
                "`cargo xtask dev` already runs in this checkout (process {}). Stop that process first.",
                owner.trim()
            )
        }
        Err(TryLockError::Error(error)) => return Err(error).context("lock .dev/lock"),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).context("write .dev/lock")?;
    Ok(file)
}

fn require_free_ports(arguments: &Arguments) -> Result<()> {
    let mut wanted = vec![
        ("the API", arguments.port, "--port or API_PORT"),
        ("Redis", arguments.redis_port, "--redis-port or REDIS_PORT"),
        ("the AWS stand-ins", arguments.aws_port, "--aws-port or AWS_PORT"),
        ("the console", arguments.console_port, "--console-port or CONSOLE_PORT"),
        ("the identity providers", arguments.providers_port, "--providers-port or PROVIDERS_PORT"),
        ("the embedding model", arguments.model_port, "--model-port or MODEL_PORT"),
        ("the metrics", arguments.metrics_port, "--metrics-port or METRICS_PORT"),
    ];
    if let Some((collector, sentry)) = arguments.receivers() {
        wanted.push(("the receiver of traces", collector, "--collector-port or COLLECTOR_PORT"));
        wanted.push(("the viewer of errors", sentry, "--sentry-port or SENTRY_PORT"));
    }
    if !arguments.has_own_database() {
        wanted.push(("PostgreSQL", arguments.postgres_port, "--postgres-port or POSTGRES_PORT"));
        wanted.push(("PgBouncer", arguments.pooler_port, "--pooler-port or POOLER_PORT"));
    }
    for (service, port, option) in wanted {
        if !ports::is_free(port) {
            bail!(
                "Port {port}, for {service}, is used by another program. Stop that program, or choose another port with {option}."
            );
        }
    }
    Ok(())
}

/// Starts the services while the functions and the console are built, then applies missing migrations.
fn start(project: &Project, arguments: &Arguments, tools: &Tools, packages: &Packages) -> Result<Stack> {
    let settings = Settings {
        purpose: Purpose::Development,
        dir: project.dev(),
        ports: Ports {
            postgres: arguments.postgres_port,
            pooler: arguments.pooler_port,
            redis: arguments.redis_port,
            aws: arguments.aws_port,
            model: arguments.model_port,
            providers: arguments.providers_port,
            console: arguments.console_port,
        },
        database_url: arguments.database_url.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api_url: arguments.api_url(),
        console_url: arguments.console_url(),
        console_host: arguments.host,
    };
    let (stack, console, built) = thread::scope(|scope| {
        let stack = scope.spawn(|| Stack::start(tools, packages, settings, &project.interrupt, &Lines));
        let console = scope.spawn(|| console::build(project, tools, &project.dev()));
        let built = project.build_functions(arguments.profile());
        (stack.join(), console.join(), built)
    });
    built?;
    let panicked = |_| anyhow::anyhow!("a thread panicked");
    let (stack, ()) = (stack.map_err(panicked)??, console.map_err(panicked)??);

    step("Database migrated", || {
        let mut migrate = project.command(project.function("migrate", arguments.profile())?);
        set_variables(migrate.arg("up"), &stack.migrate_environment()?);
        project.quietly("migrate", &mut migrate)
    })?;
    Ok(stack)
}

/// Starts the receivers of traces and of errors, if they are wanted.
fn start_receivers(project: &Project, arguments: &Arguments, tools: &Tools) -> Result<Vec<Service>> {
    let Some((collector, sentry)) = arguments.receivers() else { return Ok(Vec::new()) };
    step("Receivers of traces and errors", || {
        for name in [receivers::COLLECTOR, receivers::SENTRY] {
            let _not_there = std::fs::remove_file(project.log(name));
        }
        Ok(vec![
            receivers::start_collector(tools, &project.dev(), collector, &project.interrupt)?,
            receivers::start_sentry(tools, &project.dev(), sentry, &project.interrupt)?,
        ])
    })
}

/// Reads the logs of the functions: for the metrics, and for the receivers.
fn follow(project: &Project, arguments: &Arguments, stack: &Stack) -> Result<Follower> {
    let metrics = Metrics::default();
    metrics.serve(arguments.metrics_port)?;
    let mut readers: Vec<Box<dyn Reader>> = vec![Box::new(metrics)];
    if let Some((collector, sentry)) = arguments.receivers() {
        let environment = stack.environment()?;
        let observer = Observer::new(project, arguments.profile(), environment, collector, sentry)?;
        readers.push(Box::new(observer));
    }
    Ok(Follower::start(vec![project.log("functions"), project.log("sweeper")], readers))
}

/// Serves the functions at the routes in Cargo.toml, and builds them again when their code changes.
fn watch(project: &Project, arguments: &Arguments, tools: &Tools, stack: &Stack) -> Result<Service> {
    let mut watch = project.command(tools.program("cargo-lambda"));
    watch
        .args(["lambda", "watch", "--invoke-address", &arguments.host.to_string()])
        .args(["--invoke-port", &arguments.port.to_string()])
        .args(["--concurrency", &arguments.concurrency.to_string()])
        // The functions handle CORS themselves, as in AWS.
        .arg("--disable-cors")
        .env("PATH", tools.search_path()?);
    if arguments.release {
        watch.arg("--release");
    }
    set_variables(&mut watch, &stack.environment()?);
    if let Some((collector, _)) = arguments.receivers() {
        watch.env("TRACING_ENABLED", "true").env("TRACING_ENDPOINT", receivers::tracing_endpoint(collector));
    }
    let _not_there = std::fs::remove_file(project.log("functions"));
    Service::start("functions", &mut watch, &project.dev())
}

fn await_ready(project: &Project, arguments: &Arguments, functions: &mut Service) -> Result<()> {
    let begin = Instant::now();
    let address = arguments.local_address();
    for (path, expected) in READINESS_CHECKS {
        loop {
            project.interrupt.check()?;
            functions.check()?;
            let answer = http::status(&address, path, RESPONSE_TIMEOUT);
            match answer {
                Ok(status) if status == expected => break,
                _ if begin.elapsed() < READY_TIMEOUT => thread::sleep(POLL_INTERVAL),
                Ok(status) => {
                    bail!("GET {path} answers {status} instead of {expected}. {}", project.tail("functions"))
                }
                Err(error) => bail!("GET {path}: {error:#}. {}", project.tail("functions")),
            }
        }
    }
    Ok(())
}
