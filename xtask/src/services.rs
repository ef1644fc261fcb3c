//! The services of `cargo xtask dev`, with or without the functions; `cargo xtask services`

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use local_stack::{
    Packages, Report, Service, Stack, ToolSet, Tools, environment::set_variables, orphans, ports,
    queues::Pump, stack,
};

use crate::{
    console,
    options::{Options, Wanted},
    progress::{Lines, step},
    project::{Profile, Project},
    running::Running,
    welcome,
};

/// Time between two checks of the running processes.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Run only the services, for functions that you start yourself: `cargo xtask dev` without the functions
///
/// Starts database, pooler, Redis, embedding model, identity providers, AWS stand-ins and the console, and applies the migrations. Queues
/// deliver to the API's port as soon as something listens there. Nothing runs on a schedule. Data is kept in .dev until `--reset`. Ctrl-C
/// stops everything.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cargo xtask services\n\nand in another terminal:\n  eval \"$(cargo xtask env)\"\n  cargo lambda watch"
)]
pub struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// Runs until Ctrl-C, or until a service fails.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let begin = Instant::now();
    let options = &arguments.options;
    let running = Running::begin(&project.dev(), "services")?;
    let tools = prepare(project, options, ToolSet::Services, options.ports())?;
    let build = || step("Migrations built", || project.build_programs(&["migrate".to_owned()], Profile::Dev));
    let mut services = Services::start(project, options, &tools, &running, Profile::Dev, build)?;
    let pump = Pump::start(options.aws_port(), &options.local_address(), &project.dev())?;
    welcome::print_services(options, &services.stack, begin.elapsed())?;
    while !project.interrupt.requested() {
        services.check()?;
        thread::sleep(POLL_INTERVAL);
    }
    eprintln!("\nStopping …");
    drop(pump);
    drop(services);
    eprintln!("Stopped. The data is kept in .dev; `cargo xtask services --reset` deletes it.");
    Ok(ExitCode::SUCCESS)
}

/// Stops what a killed run has left, checks that all ports are free, and installs what is missing.
pub fn prepare(project: &Project, options: &Options, set: ToolSet, ports: Vec<Wanted>) -> Result<Tools> {
    for name in orphans::stop(&project.dev())? {
        Lines.begins(&format!("Stopped {name}, left over from an earlier run"));
    }
    for (service, port, option) in ports {
        if !ports::is_free(port) {
            bail!(
                "Port {port}, for {service}, is used by another program. Stop that program, or choose another port with {option}. \
                 `cargo xtask doctor` names the program."
            );
        }
    }
    if options.reset() {
        stack::reset(&project.dev())?;
    }
    project.tools(set)
}

/// The running services and the build of the console. Dropping the value stops them.
pub struct Services {
    console: Service,
    pub stack: Stack,
}

impl Services {
    /// Starts the services while the console is built and `build` makes the programs, among them `migrate`. Then applies missing
    /// migrations, and records the addresses in `running`.
    pub fn start(
        project: &Project,
        options: &Options,
        tools: &Tools,
        running: &Running,
        profile: Profile,
        build: impl FnOnce() -> Result<()>,
    ) -> Result<Self> {
        let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
        let settings = options.settings(project);
        let (stack, console, programs) = thread::scope(|scope| {
            let stack = scope.spawn(|| Stack::start(tools, &packages, settings, &project.interrupt, &Lines));
            let console = scope.spawn(|| console::build(project, tools, &project.dev()));
            let programs = build();
            (stack.join(), console.join(), programs)
        });
        programs?;
        let panicked = |_| anyhow::anyhow!("a thread panicked");
        let (stack, ()) = (stack.map_err(panicked)??, console.map_err(panicked)??);
        step("Database migrated", || {
            let mut migrate = project.command(project.function("migrate", profile)?);
            set_variables(migrate.arg("up"), &stack.migrate_environment()?);
            project.quietly("migrate", &mut migrate)
        })?;
        let console = console::watch(project, tools)?;
        running.publish(&stack).context("record where the services are")?;
        Ok(Self { console, stack })
    }

    /// Fails with the name and the end of the log of a process that has exited.
    pub fn check(&mut self) -> Result<()> {
        self.stack.check()?;
        self.console.check()
    }
}
