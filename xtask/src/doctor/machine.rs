//! The programs and the disk of the machine, and the tools in `.dev`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use local_stack::{Packages, Tools, chromium, packages::on_path, scratch::free_space, tools::python};

use super::Finding;
use crate::project::{Project, output};

/// In GiB, before and after the first build (README).
const SPACE: [u64; 2] = [11, 3];
/// Programs that are not installed by a command of this project.
const PROGRAMS: [&str; 3] = ["cc", "git", "curl"];

pub fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = vec![rust(project)?];
    findings.extend(PROGRAMS.map(program));
    findings.extend([
        python_version(),
        packages(),
        disk(&project.root),
        tools(&project.dev()),
        cargo_lambda(project),
    ]);
    findings.push(browser());
    Ok(findings)
}

/// Returns the first line that a program prints. `None` if it does not start or fails.
fn first_line(command: &mut Command) -> Option<String> {
    let text = String::from_utf8(output(command).ok()?).ok()?;
    text.lines().next().map(str::to_owned)
}

fn rust(project: &Project) -> Result<Finding> {
    let file =
        fs::read_to_string(project.root.join("rust-toolchain.toml")).context("read rust-toolchain.toml")?;
    let wanted = channel(&file).context("rust-toolchain.toml has no channel")?;
    // The toolchain of a folder, not that of the cargo which runs this program.
    let mut rustc = project.command("rustc");
    let found = first_line(rustc.arg("--version").env_remove("RUSTUP_TOOLCHAIN")).unwrap_or_default();
    let parts = [["fmt", "--version"], ["clippy", "--version"]];
    let complete = parts.iter().all(|part| first_line(&mut project.cargo(part)).is_some());
    let install = format!("rustup toolchain install {wanted} --component clippy --component rustfmt");
    Ok(if found.split(' ').nth(1) != Some(wanted) {
        let found = if found.is_empty() { "no rustc".to_owned() } else { found };
        Finding::wrong("Rust", format!("{found}; rust-toolchain.toml wants {wanted}"), install)
    } else if complete {
        Finding::ok("Rust", found)
    } else {
        Finding::wrong("Rust", "clippy or rustfmt is missing", install)
    })
}

/// Returns the channel in `rust-toolchain.toml`.
fn channel(file: &str) -> Option<&str> {
    let line = file.lines().find_map(|line| line.strip_prefix("channel = "))?;
    Some(line.trim_matches('"'))
}

fn program(name: &'static str) -> Finding {
    let package = if name == "cc" { "build-essential" } else { name };
    match on_path(name) {
        Some(path) => Finding::ok(name, path.display().to_string()),
        None if cfg!(target_os = "macos") => Finding::wrong(name, "is missing", "xcode-select --install"),
        None => Finding::wrong(name, "is missing", format!("sudo apt-get install {package}")),
    }
}

fn python_version() -> Finding {
    match python() {
        Ok(name) => {
            Finding::ok("Python", first_line(Command::new(name).arg("--version")).unwrap_or_default())
        }
        Err(_) => Finding::wrong(
            "Python",
            "3.11 or newer with venv is missing",
            "sudo apt-get install python3 python3-venv, or brew install python",
        ),
    }
}

fn packages() -> Finding {
    match Packages::find() {
        Some(found) => {
            let (redis, pgbouncer) = (found.redis.display(), found.pgbouncer.display());
            Finding::ok("Redis, PgBouncer", format!("{redis}, {pgbouncer}"))
        }
        None => Finding::wrong(
            "Redis, PgBouncer",
            "redis-server or pgbouncer is missing",
            "sudo apt-get update && sudo apt-get install redis-server pgbouncer, or brew install redis pgbouncer",
        ),
    }
}

fn disk(root: &Path) -> Finding {
    let built = root.join("target").exists();
    let (free, needed) = (free_space(root) >> 30, SPACE[usize::from(built)]);
    if free >= needed {
        return Finding::ok("Disk", format!("{free} GiB free"));
    }
    let mend = if built { "cargo clean, and build again" } else { "make room on this disk" };
    Finding::wrong("Disk", format!("{free} GiB free; {needed} GiB are needed"), mend)
}

/// Checks that the programs in `.dev/venv` start. What is missing is installed by the command that needs it.
fn tools(dev: &Path) -> Finding {
    let tools = Tools::at(dev.join("venv"));
    if !tools.path().exists() {
        return Finding::ok("Tools", "not installed yet; `cargo xtask dev` installs them");
    }
    let starts = |program: Option<std::path::PathBuf>| {
        program.is_some_and(|program| first_line(Command::new(program).arg("--version")).is_some())
    };
    let broken: Vec<_> = ["python", "cargo-lambda", "postgres", "node"]
        .into_iter()
        .filter(|name| match *name {
            "postgres" => !starts(tools.postgres("postgres").ok()),
            // As cargo calls it.
            "cargo-lambda" => {
                first_line(Command::new(tools.program(name)).args(["lambda", "--version"])).is_none()
            }
            "node" => !tools.node().is_ok_and(|mut node| first_line(node.arg("--version")).is_some()),
            name => !starts(Some(tools.program(name))),
        })
        .collect();
    if broken.is_empty() {
        return Finding::ok("Tools", "in .dev/venv");
    }
    let problem = format!("in .dev/venv, {} does not start", broken.join(", "));
    Finding::wrong("Tools", problem, "rm -r .dev/venv; the next command installs it again")
}

/// `cargo xtask dev` uses the one in `.dev/venv`. Without `cargo xtask`, cargo looks in PATH.
fn cargo_lambda(project: &Project) -> Finding {
    let Some(path) = on_path("cargo-lambda") else {
        let folder = project.dev().join("venv/bin");
        let export = format!("export PATH=\"{}:$PATH\"", folder.display());
        return Finding::ok("cargo lambda", format!("not in PATH; to use it without xtask: {export}"));
    };
    Finding::ok("cargo lambda", path.display().to_string())
}

fn browser() -> Finding {
    match chromium::find() {
        Some(path) => Finding::ok("Chromium", path.display().to_string()),
        None if chromium::IS_INSTALLABLE => {
            Finding::ok("Chromium", "not in PATH; `cargo xtask test` uses one in .dev/chromium")
        }
        None => Finding::wrong(
            "Chromium",
            "is missing; the tests in a browser need it",
            "sudo apt-get install chromium, or brew install --cask google-chrome",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_is_read_from_the_file_of_the_project() {
        let file = include_str!("../../../rust-toolchain.toml");
        let channel = channel(file).expect("a channel");
        assert_eq!(channel.split('.').count(), 3, "{channel}");
    }

    #[test]
    fn missing_program_is_wrong_and_says_what_to_install() {
        let line = program("arches-no-such-program").line();
        assert!(line.starts_with("wrong  arches-no-such-program is missing\n"), "{line}");
        assert!(line.contains("mend it: "), "{line}");
    }

    #[test]
    fn disk_without_room_is_wrong() {
        // A file system that does not exist has no room.
        let line = disk(Path::new("/no/such/folder")).line();
        assert!(line.starts_with("wrong  Disk               0 GiB free; 11 GiB are needed\n"), "{line}");
    }
}
