//! What killed runs have left: processes, folders, and a `.env` of an earlier start.

use std::{fs, path::PathBuf};

use anyhow::Result;
use local_stack::{orphans, scratch};

use super::Finding;
use crate::{
    env,
    project::Project,
    running::{self, Addresses},
};

pub fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = vec![folders(&scratch::abandoned())];
    if running::owner(&project.dev()).is_none() {
        findings.push(processes(&orphans::running(&project.dev())));
    }
    let dotenv = fs::read_to_string(project.root.join(".env")).unwrap_or_default();
    if !dotenv.is_empty()
        && let Ok(addresses) = Addresses::find(&project.dev())
    {
        findings.push(dotenv_of_this_start(&dotenv, &env::text(&addresses.environment())?));
    }
    Ok(findings)
}

fn processes(running: &[(String, u32)]) -> Finding {
    let what = "Processes";
    if running.is_empty() {
        return Finding::ok(what, "none of a killed run");
    }
    let names: Vec<_> = running.iter().map(|(name, pid)| format!("{name} ({pid})")).collect();
    let problem = format!("of a killed run still run: {}", names.join(", "));
    Finding::wrong(what, problem, "cargo xtask dev, which stops them first")
}

/// Checks the folders of killed tests. Their processes may run too.
fn folders(abandoned: &[PathBuf]) -> Finding {
    let what = "Temporary folders";
    if abandoned.is_empty() {
        return Finding::ok(what, "none of a killed run");
    }
    let processes: Vec<_> = abandoned.iter().flat_map(|folder| orphans::running(folder)).collect();
    let paths: Vec<_> = abandoned.iter().map(|folder| folder.display().to_string()).collect();
    let mut mend = format!("rm -r {}", paths.join(" "));
    if !processes.is_empty() {
        let ids: Vec<_> = processes.iter().map(|(_, pid)| pid.to_string()).collect();
        mend = format!("kill {} && {mend}", ids.join(" "));
    }
    Finding::wrong(what, format!("of killed runs: {}", paths.len()), mend)
}

/// Checks that a `.env` has each line that `cargo xtask env` prints now.
fn dotenv_of_this_start(dotenv: &str, now: &str) -> Finding {
    if now.lines().all(|line| dotenv.lines().any(|other| other == line)) {
        return Finding::ok(".env", "is that of the running services");
    }
    Finding::wrong(".env", "is that of an earlier start of the services", "cargo xtask env > .env")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_wrong_and_say_how_to_remove_them() {
        let line = processes(&[("redis".to_owned(), 7)]).line();
        assert!(line.starts_with("wrong") && line.contains("redis (7)"), "{line}");
        let line = folders(&[PathBuf::from("/tmp/arches-local-stack-1")]).line();
        assert!(line.contains("mend it: rm -r /tmp/arches-local-stack-1"), "{line}");
        assert!(processes(&[]).line().starts_with("ok") && folders(&[]).line().starts_with("ok"));
    }

    #[test]
    fn dotenv_may_have_more_lines_but_none_less() {
        let now = "export A='1'\nexport B='2'\n";
        assert!(dotenv_of_this_start("# mine\nexport B='2'\nexport A='1'\n", now).line().starts_with("ok"));
        assert!(dotenv_of_this_start("export A='0'\nexport B='2'\n", now).line().starts_with("wrong"));
    }
}
