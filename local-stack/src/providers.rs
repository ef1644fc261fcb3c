//! Identity providers: `providers.mjs`, with npm's `oidc-provider`, and one that speaks as GitHub does.

use std::{net::TcpStream, path::Path, time::Duration};

use anyhow::Result;

use crate::{
    Interrupt, Service, Tools,
    wait::{self, Probe},
};

/// The name of the service, and of its log.
pub const NAME: &str = "providers";
/// What `SIGN_IN_PROVIDERS` offers.
pub const OFFERED: &str = "acme=Acme,github";

const SERVER: &str = include_str!("../providers.mjs");
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts the providers on the loopback address. They send browsers back to `api`.
pub fn start(tools: &Tools, dir: &Path, port: u16, api: &str, interrupt: &Interrupt) -> Result<Service> {
    let mut command = tools.oidc(SERVER)?;
    command.arg(port.to_string()).arg(api);
    let mut service = Service::start(NAME, &mut command, dir)?;
    wait::until("identity providers", READY_TIMEOUT, interrupt, || {
        service.check()?;
        let connected = TcpStream::connect(("127.0.0.1", port));
        Ok(connected.map_or_else(|error| Probe::NotYet(error.to_string()), |_| Probe::Ready(())))
    })?;
    Ok(service)
}

/// Returns the address of the certified provider.
#[must_use]
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Returns the setting `OAUTH_PROVIDERS`.
#[must_use]
pub fn credentials(port: u16) -> String {
    let site = url(port);
    let client = r#""clientId":"arches","clientSecret":"local""#;
    format!(
        r#"{{"acme":{{{client},"issuer":"{site}"}},"github":{{{client},"issuer":"{site}/github","apiUrl":"{site}/github/api"}}}}"#
    )
}
