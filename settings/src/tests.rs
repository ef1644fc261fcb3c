use std::collections::BTreeSet;

use shared::config::Config;

use super::*;

/// The variables that the file sets.
fn environment(file: &str) -> BTreeMap<String, String> {
    let set = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line} sets no variable"));
        (name.to_owned(), value.trim_matches('\'').to_owned())
    });
    set.collect()
}

#[test]
fn generated_files_are_up_to_date() {
    let present = |file| fs::read_to_string(root().join(file)).expect("the file");
    for (file, generated) in [
        (ENV_EXAMPLE, env_example()),
        (CONFIGURATION, configuration().expect("the page has a place for every table")),
    ] {
        assert!(present(file) == generated, "{file} is out of date. Run: cargo xtask generate");
    }
}

#[test]
fn env_example_parses_and_sets_every_default() {
    let set = environment(&env_example());
    let config = Config::from_lookup(|name| set.get(name).cloned(), &[]).expect("a valid configuration");
    let defaults = Config::from_lookup(|_| None, &[]).expect("no variable is needed");
    assert_eq!(format!("{config:?}"), format!("{defaults:?}"));
    assert_eq!(set["MAIL_FROM"], config.mail.from);
}

#[test]
fn a_shell_reads_env_example_as_we_do() {
    let script = format!("set -eu\n{}\nprintf %s \"$MAIL_FROM\"", env_example());
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), environment(&env_example())["MAIL_FROM"]);
}

/// Every Rust file below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let found = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The variables that `code` reads outside `shared/src/config`.
fn read_by(code: &str) -> BTreeSet<String> {
    let calls = ["variable(\"", "env::var(\"", "env::var_os(\""];
    let read = calls.iter().flat_map(|call| code.split(call).skip(1));
    read.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn every_variable_that_is_read_elsewhere_is_declared() {
    let declared: BTreeSet<String> =
        sections().into_iter().flat_map(|section| section.settings).map(|setting| setting.name).collect();
    let code = ["shared/src", "functions"].iter().flat_map(|folder| sources(&root().join(folder)));
    let read: BTreeSet<String> =
        code.flat_map(|file| read_by(&fs::read_to_string(file).expect("a source file"))).collect();
    assert!(read.contains("LOG_LEVEL") && read.contains("AWS_REGION"), "{read:?}");
    assert_eq!(read.difference(&declared).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(read_by("let debug = env::var(\"DEBUG\");").contains("DEBUG"));
}
