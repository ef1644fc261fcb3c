//! `NODE_ENV`, `APP_VERSION`, `API_*`: the process itself.

use std::net::IpAddr;

use super::section::section;

section! {
    /// Application
    pub struct Application {
        /// The environment the process runs in; `env` in the log. `staging` and `production` require TLS, and secrets by reference.
        environment: Environment = environment("NODE_ENV") { used_by: "all" };
        /// The deployed version; in the log and in `/v1/config`.
        version: String = text("APP_VERSION", "dev") { used_by: "all" };
        /// The plan of every organization.
        default_plan: &'static str = one_of("DEFAULT_PLAN", "enterprise", &["free", "team", "enterprise"]) {
            used_by: "answers, artifacts, chat, index, search"
        };
        /// The address on which `cargo xtask dev` listens. In AWS the gateway listens.
        host: IpAddr = ip_address("API_HOST", [127, 0, 0, 1]) { used_by: "`xtask`; the functions only check it" };
        /// The port on which `cargo xtask dev` listens.
        port: u16 = port("API_PORT", 9000) { used_by: "`xtask`; the functions only check it" };
    }
}

/// The environment the process runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine, or a stack for developers.
    Development,
    /// Under test.
    Test,
    /// Like production, without customers.
    Staging,
    /// With customers.
    Production,
}

impl Environment {
    pub(super) const ALL: [Self; 4] = [Self::Development, Self::Test, Self::Staging, Self::Production];

    /// Returns the value of `NODE_ENV`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Returns whether secrets must be references, and connections encrypted.
    #[must_use]
    pub fn is_deployed(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}
