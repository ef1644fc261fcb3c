//! Signed requests to services with AWS's Query protocol: a form as the request, XML as the answer.
//!
//! Not these services' SDK clients: `aws-sdk-rds` has 26 MB of source for one call, and everything that this needs is part of the
//! other clients.

use std::time::Duration;

use anyhow::{Context, ensure};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use backon::{ConstantBuilder, Retryable};
use chrono::{DateTime, Utc};
use tokio::time::timeout;
use url::form_urlencoded;

use super::client;
use crate::error::Unavailable;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
const MAX_ATTEMPTS: usize = 2;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A service.
pub(super) struct Service {
    /// In errors.
    pub(super) name: &'static str,
    /// In host names and signatures.
    pub(super) id: &'static str,
    /// The version of its API.
    pub(super) version: &'static str,
}

impl Service {
    /// Sends a request that is safe to repeat, and returns the answer.
    pub(super) async fn ask(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        now: DateTime<Utc>,
    ) -> anyhow::Result<String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .extend_pairs(parameters)
            .append_pair("Version", self.version)
            .finish();
        let ask = || async {
            let answer = timeout(ATTEMPT_TIMEOUT, self.call(&body, now)).await;
            answer.map_err(anyhow::Error::from).flatten().map_err(|error| Unavailable::new(self.id, error))
        };
        let delay = ConstantBuilder::new().with_delay(RETRY_DELAY).with_max_times(MAX_ATTEMPTS - 1);
        Ok(ask.retry(delay).await?)
    }

    async fn call(&self, body: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
        let config = client::config().await;
        let region = config.region().context("AWS_REGION is not set")?.as_ref();
        let url = client::endpoint(&self.id.to_ascii_uppercase()).unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://{}.{region}.amazonaws.com{suffix}", self.id)
        });
        let mut request = HttpRequest::new(body.into());
        request.set_method("POST")?;
        request.set_uri(format!("{}/", url.trim_end_matches('/')))?;
        request.headers_mut().insert("content-type", CONTENT_TYPE);
        request.headers_mut().insert("content-length", body.len().to_string());
        for (name, value) in self.signature(request.uri(), region, body, now).await? {
            request.headers_mut().insert(name, value);
        }
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        let response = connector.call(request).await?;
        let status = response.status();
        let answer = ByteStream::new(response.into_body()).collect().await?.to_vec();
        let answer = String::from_utf8(answer).context("the answer is not text")?;
        ensure!(
            status.is_success(),
            "{} answered {}: {}",
            self.name,
            status.as_u16(),
            element(&answer, "Code").unwrap_or("no code")
        );
        Ok(answer)
    }

    /// Returns the headers that sign the request (AWS Signature Version 4).
    async fn signature(
        &self,
        url: &str,
        region: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<(&'static str, String)>> {
        let provider = client::config().await.credentials_provider().context("no AWS credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(self.id)
            .time(now.into())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", CONTENT_TYPE)];
        let request =
            SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

/// Returns the text of the first element `name`. For elements that the answer has once, and that contain no markup.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}
