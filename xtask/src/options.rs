//! The options of `cargo xtask dev` and `cargo xtask services`.

use std::net::{IpAddr, SocketAddr};

use local_stack::stack::{Ports, Purpose, Settings};

use crate::{database::own, project::Project};

/// What must be free: the use of a port, the port, and how to choose another one.
pub type Wanted = (&'static str, u16, &'static str);

/// Which services run, and where.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Delete the local database, cache and mailbox first
    #[arg(long)]
    reset: bool,
    /// Port of the API
    #[arg(long, env = "API_PORT", default_value_t = 9000)]
    port: u16,
    /// IP address that the API and the console listen on
    #[arg(long, env = "API_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Use this database instead of the embedded one; `--reset` does not delete it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Port of the embedded PostgreSQL
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 9001, value_name = "PORT")]
    postgres_port: u16,
    /// Port of PgBouncer
    #[arg(long, env = "POOLER_PORT", default_value_t = 9002, value_name = "PORT")]
    pooler_port: u16,
    /// Port of Redis
    #[arg(long, env = "REDIS_PORT", default_value_t = 9003, value_name = "PORT")]
    redis_port: u16,
    /// Port of the AWS stand-ins
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
    /// Port of the console
    #[arg(long, env = "CONSOLE_PORT", default_value_t = 9005, value_name = "PORT")]
    console_port: u16,
    /// Port of the identity providers
    #[arg(long, env = "PROVIDERS_PORT", default_value_t = 9006, value_name = "PORT")]
    providers_port: u16,
    /// Port of the embedding model
    #[arg(long, env = "MODEL_PORT", default_value_t = 9007, value_name = "PORT")]
    model_port: u16,
}

impl Options {
    /// Returns the settings of the services.
    pub fn settings(&self, project: &Project) -> Settings {
        Settings {
            purpose: Purpose::Development,
            dir: project.dev(),
            ports: Ports {
                postgres: self.postgres_port,
                pooler: self.pooler_port,
                redis: self.redis_port,
                aws: self.aws_port,
                model: self.model_port,
                providers: self.providers_port,
                console: self.console_port,
            },
            database_url: own(self.database_url.as_ref()).cloned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_url: self.api_url(),
            console_url: self.console_url(),
            console_host: self.host,
        }
    }

    /// Returns the ports of the services. That of the API is not among them.
    pub fn ports(&self) -> Vec<Wanted> {
        let mut wanted = vec![
            ("Redis", self.redis_port, "--redis-port or REDIS_PORT"),
            ("the AWS stand-ins", self.aws_port, "--aws-port or AWS_PORT"),
            ("the console", self.console_port, "--console-port or CONSOLE_PORT"),
            ("the identity providers", self.providers_port, "--providers-port or PROVIDERS_PORT"),
            ("the embedding model", self.model_port, "--model-port or MODEL_PORT"),
        ];
        if !self.has_own_database() {
            wanted.push(("PostgreSQL", self.postgres_port, "--postgres-port or POSTGRES_PORT"));
            wanted.push(("PgBouncer", self.pooler_port, "--pooler-port or POOLER_PORT"));
        }
        wanted
    }

    /// Returns whether the data of an earlier run is deleted first.
    pub fn reset(&self) -> bool {
        self.reset
    }

    /// Returns the port of the API, which the functions listen on.
    pub fn api_port(&self) -> Wanted {
        ("the API", self.port, "--port or API_PORT")
    }

    /// Returns the port of the API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the IP address that the API listens on.
    pub fn host(&self) -> IpAddr {
        self.host
    }

    /// Returns the address of the API, as browsers see it. They send its cookies to the console only if both have one host.
    pub fn api_url(&self) -> String {
        self.url(self.port)
    }

    /// Returns the address of the console, as browsers see it.
    pub fn console_url(&self) -> String {
        self.url(self.console_port)
    }

    fn url(&self, port: u16) -> String {
        if self.host.is_unspecified() || self.host.is_loopback() {
            format!("http://localhost:{port}")
        } else {
            format!("http://{}", SocketAddr::from((self.host, port)))
        }
    }

    /// Returns host and port at which this machine reaches the API.
    pub fn local_address(&self) -> String {
        if self.host.is_unspecified() {
            format!("127.0.0.1:{}", self.port)
        } else {
            SocketAddr::from((self.host, self.port)).to_string()
        }
    }

    /// Returns whether the user's own database is used.
    pub fn has_own_database(&self) -> bool {
        own(self.database_url.as_ref()).is_some()
    }

    /// Returns the port of the AWS stand-ins.
    pub fn aws_port(&self) -> u16 {
        self.aws_port
    }

    /// Returns the port of the embedding model.
    pub fn model_port(&self) -> u16 {
        self.model_port
    }

    /// Returns the port of the identity providers.
    pub fn providers_port(&self) -> u16 {
        self.providers_port
    }
}
