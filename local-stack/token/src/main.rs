//! `cargo xtask token`

use std::{env, time::Duration};

use anyhow::{Context, ensure};
use shared::{AppState, config::Config};

/// The services are on this machine.
const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "a command answers on standard output")]
async fn main() -> anyhow::Result<()> {
    let email = env::args().nth(1).context("usage: local-token <email>")?;
    let endpoint = env::var_os("AWS_ENDPOINT_URL").unwrap_or_default();
    let is_local = endpoint.to_string_lossy().starts_with("http://127.0.0.1:");
    ensure!(is_local, "this is for the local system only; use: cargo xtask token <email>");
    let app = AppState::new(Config::from_env(local_token::REQUIRED)?);
    let token = tokio::time::timeout(TIMEOUT, local_token::sign_in(&app, &email)).await;
    println!("{}", token.context("the services do not answer")??);
    Ok(())
}
