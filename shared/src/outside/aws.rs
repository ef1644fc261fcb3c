//! How every AWS client is configured.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use tokio::sync::OnceCell;

static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();

/// Region, credentials and endpoint from the environment; TLS by ring; a deadline on every call.
pub async fn config() -> &'static SdkConfig {
    CONFIG
        .get_or_init(|| async {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(2))
                .operation_timeout(Duration::from_secs(5))
                .build();
            aws_config::defaults(BehaviorVersion::latest())
                .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
                .timeout_config(timeouts)
                .retry_config(RetryConfig::standard().with_max_attempts(2))
                .load()
                .await
        })
        .await
}
