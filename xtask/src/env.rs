//! `cargo xtask env`

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::{progress::print, project::Project, running::Addresses};

/// Print the environment of the functions, for functions that you start yourself
///
/// For the services of the running `cargo xtask services` or `cargo xtask dev`, in a form that both a shell and readers of `.env` files
/// understand. Secrets are references to the local Secrets Manager, and change at each start of the services: print it again then.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  eval \"$(cargo xtask env)\"        the variables of this shell; then: cargo lambda watch
  cargo xtask env > .env           a file that git ignores; then: cargo lambda watch --env-file .env
  cargo lambda invoke auth --data-file events/auth-register.json")]
pub struct Arguments {}

/// Prints one variable per line.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    print(&text(&Addresses::find(&project.dev())?.environment())?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns `export NAME='value'` for each variable: the one form that is the same for a shell and for readers of `.env` files.
pub fn text(variables: &[(&str, String)]) -> Result<String> {
    let line = |(name, value): &(&str, String)| {
        // Shells and readers of `.env` files escape these differently.
        ensure!(!value.contains(['\'', '\\', '\n']), "{name} has a quote, a backslash or a new line");
        Ok(format!("export {name}='{value}'\n"))
    };
    variables.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn shell_reads_what_was_written() {
        let value = r#"{"a": "$HOME `id` <a@b> # & ; !"}"#;
        let text = text(&[("VALUE", value.to_owned())]).expect("a text");
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &format!("{text}printenv VALUE")]).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), value);
    }

    #[test]
    fn value_that_readers_would_understand_differently_is_refused() {
        for value in ["it's", "a\\b", "a\nb"] {
            let error = text(&[("NAME", value.to_owned())]).expect_err("a refusal").to_string();
            assert!(error.starts_with("NAME has a quote"), "{error}");
        }
    }
}
