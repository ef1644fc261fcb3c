//! The configuration of all AWS clients.

use std::{env, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use tokio::sync::OnceCell;

static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();

/// Returns the configuration: region, credentials and endpoints from the environment; TLS by ring; a timeout for every call.
///
/// Lambda sets these variables. `aws_config::defaults` would add code for profiles, roles and metadata servers to every binary
/// and every cold start.
pub async fn config() -> &'static SdkConfig {
    CONFIG
        .get_or_init(|| async {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(2))
                .operation_timeout(Duration::from_secs(5))
                .build();
            let credentials = EnvironmentVariableCredentialsProvider::new();
            let mut config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(variable("AWS_REGION").map(Region::new))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .service_config(Endpoints)
                .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
                .timeout_config(timeouts)
                .retry_config(RetryConfig::standard().with_max_attempts(2));
            config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
            config.build()
        })
        .await
}

/// Reads `AWS_ENDPOINT_URL_<SERVICE>` (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        variable(&format!("{}_{}", key.env(), key.service_id().to_uppercase().replace(' ', "_")))
    }
}

/// Returns the configured endpoint of `service`, such as `RDS`, or of all services. `None` in AWS.
#[must_use]
pub fn endpoint(service: &str) -> Option<String> {
    variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"))
}

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "these are variables of the SDK, not settings of this project"
    )]
    env::var(name).ok()
}
