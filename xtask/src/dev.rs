//! `cargo xtask dev`

use std::{
    net::Ipv4Addr,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use local_stack::{
    Service, Stack, ToolSet, Tools, environment::set_variables, loopback, queues::Pump, receivers,
};

use crate::{
    dev_log::{Follower, Reader},
    http,
    metrics::Metrics,
    observer::Observer,
    options::{Options, Wanted},
    progress::step,
    project::{Profile, Project},
    running::Running,
    services::{self, POLL_INTERVAL, Services},
    sweeper::Sweeper,
    welcome,
};

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
    #[command(flatten)]
    pub options: Options,
    /// Build with optimizations: slow to build, as fast as in production
    #[arg(long)]
    release: bool,
    /// Maximum number of concurrent requests per function
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
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
    let options = &arguments.options;
    let running = Running::begin(&project.dev(), "dev")?;
    let set = if arguments.observe { ToolSet::Observe } else { ToolSet::Services };
    let tools = services::prepare(project, options, set, arguments.ports())?;

    let build = || project.build_functions(arguments.profile());
    let mut services = Services::start(project, options, &tools, &running, arguments.profile(), build)?;
    let mut receivers = start_receivers(project, arguments, &tools)?;
    let mut functions = watch(project, arguments, &tools, &services.stack)?;
    let follower = follow(project, arguments, &services.stack)?;
    step("Functions", || await_ready(project, arguments, &mut functions))?;
    if options.host() == Ipv4Addr::LOCALHOST {
        loopback::forward(options.port());
    }
    let pump = Pump::start(options.aws_port(), &options.local_address(), &project.dev())?;
    let sweeper = Sweeper::start(project, arguments.profile(), &services.stack)?;
    welcome::print(arguments, &services.stack, begin.elapsed())?;

    while !project.interrupt.requested() {
        functions.check()?;
        services.check()?;
        receivers.iter_mut().try_for_each(Service::check)?;
        thread::sleep(POLL_INTERVAL);
    }
    eprintln!("\nStopping …");
    drop(sweeper);
    drop(pump);
    drop(functions);
    drop(follower);
    drop(receivers);
    drop(services);
    eprintln!("Stopped. The data is kept in .dev; `cargo xtask dev --reset` deletes it.");
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Returns the ports that must be free.
    pub fn ports(&self) -> Vec<Wanted> {
        let mut wanted = self.options.ports();
        wanted.push(self.options.api_port());
        wanted.push(("the metrics", self.metrics_port, "--metrics-port or METRICS_PORT"));
        if let Some((collector, sentry)) = self.receivers() {
            wanted.push(("the receiver of traces", collector, "--collector-port or COLLECTOR_PORT"));
            wanted.push(("the viewer of errors", sentry, "--sentry-port or SENTRY_PORT"));
        }
        wanted
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
        .args(["lambda", "watch", "--invoke-address", &arguments.options.host().to_string()])
        .args(["--invoke-port", &arguments.options.port().to_string()])
        .args(["--concurrency", &arguments.concurrency.to_string()])
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
    let address = arguments.options.local_address();
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
