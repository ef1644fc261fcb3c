//! The ports of `cargo xtask dev`.

use anyhow::Result;
use clap::Parser;
use local_stack::{ports, process};

use super::Finding;
use crate::{
    dev,
    options::Wanted,
    project::Project,
    running::{self, Owner},
};

/// The options of `cargo xtask dev`, as the environment sets them.
#[derive(Parser)]
struct Dev {
    #[command(flatten)]
    arguments: dev::Arguments,
}

pub fn check(project: &Project) -> Result<Vec<Finding>> {
    let owner = running::owner(&project.dev());
    let ours = owner.as_ref().map(|owner| process::descendants(owner.pid)).unwrap_or_default();
    let mut wanted = Dev::try_parse_from(["dev"])?.arguments.ports();
    wanted.sort_by_key(|(_, port, _)| *port);
    Ok(wanted.into_iter().map(|wanted| port(wanted, owner.as_ref(), &ours)).collect())
}

/// Checks one port. `ours` are the processes of the running system.
fn port((service, port, option): Wanted, owner: Option<&Owner>, ours: &[u32]) -> Finding {
    let what = format!("Port {port}");
    if ports::is_free(port) {
        return Finding::ok(what, format!("free, for {service}"));
    }
    let choose = format!("choose another port with {option}");
    match (ports::owner(port), owner) {
        (Some(pid), Some(owner)) if pid == owner.pid || ours.contains(&pid) => {
            Finding::ok(what, format!("{service} of `cargo xtask {}` (process {})", owner.command, owner.pid))
        }
        (Some(pid), _) => {
            let name = process::name(pid).unwrap_or_else(|| "a program".to_owned());
            let problem = format!("for {service}, is used by {name} (process {pid})");
            Finding::wrong(what, problem, format!("kill {pid}, or {choose}"))
        }
        (None, _) => {
            Finding::wrong(what, format!("for {service}, is used by a program of another user"), choose)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn port_of_another_program_is_wrong_and_names_it() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let number = listener.local_addr().expect("an address").port();
        let wanted = ("Redis", number, "--redis-port or REDIS_PORT");
        let pid = std::process::id();
        let line = port(wanted, None, &[]).line();
        assert!(line.contains(&format!("(process {pid})\n")), "{line}");
        assert!(line.contains(&format!("kill {pid}, or choose another port with --redis-port")), "{line}");

        let owner = Owner { command: "dev".to_owned(), pid };
        let line = port(wanted, Some(&owner), &[]).line();
        assert!(line.starts_with("ok ") && line.contains("Redis of `cargo xtask dev`"), "{line}");
        drop(listener);
        assert!(port(wanted, None, &[]).line().contains("free, for Redis"));
    }
}
