//! The project's commands. `cargo xtask --help` lists them.

mod appoint;
mod artifacts;
mod bench;
mod bench_answers;
mod bench_cloud;
mod bench_search;
mod ci;
mod console;
mod cost;
mod database;
mod dev;
mod dev_log;
mod doctor;
mod env;
mod generate;
mod http;
mod import_users;
mod job;
mod libraries;
mod logs;
mod mail;
mod metrics;
mod new;
mod observer;
mod options;
mod progress;
mod project;
mod psql;
mod running;
mod sam_build;
mod services;
mod sweeper;
mod test;
mod token;
mod trial;
mod welcome;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use local_stack::{Interrupt, Interrupted};

use crate::project::Project;

/// Develop, check and build Arches on this machine; no account is needed
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    disable_help_subcommand = true,
    after_help = "`cargo xtask <COMMAND> --help` explains the options of a command."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Arguments),
    Services(services::Arguments),
    Env(env::Arguments),
    Logs(logs::Arguments),
    Psql(psql::Arguments),
    Token(token::Arguments),
    Doctor(doctor::Arguments),
    Mail(mail::Arguments),
    Appoint(appoint::Arguments),
    ImportUsers(import_users::Arguments),
    Backup(job::Backup),
    Backups(job::Backups),
    Drill(job::Drill),
    Restore(job::Restore),
    CopyBackup(job::CopyBackup),
    Test(test::Arguments),
    New(new::Arguments),
    Generate(generate::Arguments),
    Console(console::Arguments),
    Cost(cost::Arguments),
    Ci(ci::Arguments),
    SamBuild(sam_build::Arguments),
    Artifacts(artifacts::Arguments),
    Bench(bench::Arguments),
    #[command(subcommand)]
    Trial(trial::Trial),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("Stopped.");
            // The exit code of a command that Ctrl-C ended, as in a shell.
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let interrupt = Interrupt::default();
    let on_signal = interrupt.clone();
    ctrlc::set_handler(move || on_signal.request()).context("listen for Ctrl-C")?;
    let project = Project::here(interrupt)?;
    match command {
        Command::Dev(arguments) => dev::run(&project, &arguments),
        Command::Services(arguments) => services::run(&project, &arguments),
        Command::Env(arguments) => env::run(&project, &arguments),
        Command::Logs(arguments) => logs::run(&project, &arguments),
        Command::Psql(arguments) => psql::run(&project, &arguments),
        Command::Token(arguments) => token::run(&project, &arguments),
        Command::Doctor(arguments) => doctor::run(&project, &arguments),
        Command::Appoint(arguments) => appoint::run(&project, &arguments),
        Command::ImportUsers(arguments) => import_users::run(&project, &arguments),
        Command::Mail(arguments) => mail::run(&project, &arguments),
        Command::Backup(job) => job.run(&project),
        Command::Backups(job) => job.run(&project),
        Command::Drill(job) => job.run(&project),
        Command::Restore(job) => job.run(&project),
        Command::CopyBackup(job) => job.run(&project),
        Command::Test(arguments) => test::run(&project, &arguments),
        Command::Console(arguments) => console::run(&project, &arguments),
        Command::Cost(arguments) => cost::run(&project, &arguments),
        Command::Ci(arguments) => ci::run(&project, &arguments),
        Command::SamBuild(arguments) => sam_build::run(&project, &arguments),
        Command::Artifacts(arguments) => artifacts::run(&project, &arguments),
        Command::Bench(arguments) => bench::run(&project, &arguments),
        Command::Trial(trial) => trial.run(&project),
        Command::New(arguments) => new::run(&project, &arguments),
        Command::Generate(arguments) => generate::run(&project, &arguments),
    }
}
