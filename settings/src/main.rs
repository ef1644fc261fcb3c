//! Prints a generated file, `.env.example` or `docs/configuration.md`; `cargo xtask generate` writes it.

use std::env;

use anyhow::bail;

#[expect(clippy::print_stdout, reason = "that is what this command is for")]
fn main() -> anyhow::Result<()> {
    match env::args().nth(1).as_deref() {
        Some(settings::ENV_EXAMPLE) => print!("{}", settings::env_example()),
        Some(settings::CONFIGURATION) => print!("{}", settings::configuration()?),
        _ => bail!("usage: settings {} | {}", settings::ENV_EXAMPLE, settings::CONFIGURATION),
    }
    Ok(())
}
