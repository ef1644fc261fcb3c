//! Custom resources: CloudFormation calls a function, and the function sends its answer to a URL in the request.
//!
//! Implements "Custom resource request objects" and "Custom resource response objects" of the AWS CloudFormation User Guide.

use std::time::Duration;

use anyhow::Context;
use aws_lambda_events::cloudformation::{
    CloudFormationCustomResourceRequest, CloudFormationCustomResourceResponse as Response,
    CloudFormationCustomResourceResponseStatus as Status,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use backon::{ConstantBuilder, Retryable};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::client;
use crate::domain::deadline::Deadline;

const MAX_ATTEMPTS: usize = 3;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The time that is kept for all attempts to send the answer. Without an answer CloudFormation waits an hour.
const RESERVE: Duration = Duration::from_secs(15);
/// The whole answer may have 4096 bytes.
const MAX_REASON_BYTES: usize = 1000;

/// The event of a function that is also a custom resource.
pub enum Call<E> {
    /// A request of CloudFormation.
    Resource(Event),
    /// The function's own event.
    Own(E),
}

impl<'de, E: DeserializeOwned> Deserialize<'de> for Call<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        let call = if event.get("RequestType").is_some() {
            serde_json::from_value(event).map(Self::Resource)
        } else {
            serde_json::from_value(event).map(Self::Own)
        };
        call.map_err(D::Error::custom)
    }
}

/// The properties are not used, so a request without them is not refused.
type Request = CloudFormationCustomResourceRequest<Option<Value>, Option<Value>>;

/// A request of CloudFormation. Anyone who knows its URL can answer, so this type has no `Debug`.
#[derive(Deserialize)]
pub struct Event(Box<Request>);

/// A custom resource.
pub struct Resource {
    /// The type in the template: `Custom::…`.
    pub kind: &'static str,
    /// The physical id. Always the same: CloudFormation would treat another id as a replacement.
    pub id: &'static str,
}

/// The status that was sent to CloudFormation.
#[derive(Debug, Serialize)]
pub struct Answered {
    answered: Status,
}

impl Event {
    /// Runs `work`, which creates or updates `resource`, and sends the result to CloudFormation. A delete does nothing: only the
    /// stack's record of the resource is removed.
    ///
    /// Succeeds also if `work` failed and CloudFormation knows it: Lambda must not retry.
    pub async fn handle(
        self,
        resource: &Resource,
        deadline: Deadline,
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Answered> {
        let is_delete = matches!(*self.0, Request::Delete(_));
        let (url, kind, mut answer) = self.into_answer(resource)?;
        anyhow::ensure!(
            is_cloudformation_url(&url),
            "invalid event: ResponseURL does not belong to CloudFormation; nothing was done"
        );
        let done = if is_delete {
            Ok(())
        } else {
            let work = async {
                anyhow::ensure!(kind == resource.kind, "this function is {}, not {kind}", resource.kind);
                work.await
            };
            deadline.within(RESERVE, work).await
        };
        let reason = match done {
            Ok(()) => "done".to_owned(),
            Err(error) => {
                let mut reason = format!("{error:#}");
                tracing::error!(
                    error = reason,
                    resource = answer.logical_resource_id,
                    "custom resource failed"
                );
                answer.status = Status::Failed;
                reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
                reason
            }
        };
        answer.reason = Some(reason);
        send(&url, &serde_json::to_string(&answer)?).await?;
        Ok(Answered { answered: answer.status })
    }

    /// Returns the URL, the type of the resource, and an answer that reports success.
    fn into_answer(self, resource: &Resource) -> anyhow::Result<(String, String, Response)> {
        macro_rules! answer {
            ($request:expr, $id:expr) => {{
                let mut answer = Response::default();
                answer.physical_resource_id = $id;
                answer.stack_id = $request.stack_id;
                answer.request_id = $request.request_id;
                answer.logical_resource_id = $request.logical_resource_id;
                answer.no_echo = true;
                ($request.response_url, $request.resource_type, answer)
            }};
        }
        Ok(match *self.0 {
            Request::Create(request) => answer!(request, resource.id.to_owned()),
            Request::Update(request) => answer!(request, request.physical_resource_id),
            Request::Delete(request) => answer!(request, request.physical_resource_id),
            _ => anyhow::bail!("the request is neither Create, Update nor Delete"),
        })
    }
}

async fn send(url: &str, answer: &str) -> anyhow::Result<()> {
    let url = resolve_endpoint(url).await?;
    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
    (|| async { timeout(ATTEMPT_TIMEOUT, put(&connector, &url, answer)).await.context("no answer in time")? })
        .retry(ConstantBuilder::new().with_delay(RETRY_DELAY).with_max_times(MAX_ATTEMPTS - 1))
        .notify(|error, _| {
            tracing::warn!(error = format!("{error:#}"), "answer to CloudFormation not sent; retried");
        })
        .await
        .context("answer to CloudFormation not sent")
}

async fn put(connector: &Connector, url: &str, answer: &str) -> anyhow::Result<()> {
    let mut request = HttpRequest::new(answer.into());
    request.set_method("PUT")?;
    request.set_uri(url)?;
    // The signature of the URL covers this header with an empty value.
    request.headers_mut().insert("content-type", "");
    request.headers_mut().insert("content-length", answer.len().to_string());
    let status = connector.call(request).await?.status();
    anyhow::ensure!(status.is_success(), "S3 answered {}", status.as_u16());
    Ok(())
}

/// Returns `url`; with a configured endpoint (the local stand-in for AWS), the same path there.
async fn resolve_endpoint(url: &str) -> anyhow::Result<String> {
    let Some(stand_in) = client::config().await.endpoint_url() else { return Ok(url.to_owned()) };
    let url = Url::parse(url)?;
    Ok(Url::parse(stand_in)?.join(&url[url::Position::BeforePath..])?.into())
}

/// Checks whether `url` is in one of the buckets from which CloudFormation reads answers. An event with another URL is forged, and
/// its sender would get the answer.
fn is_cloudformation_url(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let plain = url.scheme() == "https" && url.port().is_none() && url.username().is_empty();
    let host = url.host_str().unwrap_or_default();
    let service = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com").unwrap_or_default();
    // s3, s3-eu-west-1, s3.eu-west-1
    let is_s3 = |service: &str| {
        let region = service.strip_prefix("s3").map(|rest| rest.trim_start_matches(['.', '-']));
        region.is_some_and(|region| !region.contains('.'))
            && (service == "s3" || service.starts_with("s3.") || service.starts_with("s3-"))
    };
    plain
        && url.password().is_none()
        && service.split_once('.').is_some_and(|(bucket, service)| {
            bucket.starts_with("cloudformation-custom-resource-response-") && is_s3(service)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_cloudformations_own_buckets_and_nowhere_else() {
        const BUCKET: &str = "cloudformation-custom-resource-response-euwest1";
        for host in [
            "s3.amazonaws.com",
            "s3-eu-west-1.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "s3.cn-north-1.amazonaws.com.cn",
        ] {
            let url = format!("https://{BUCKET}.{host}/arn%3Aaws%3Acloudformation?X-Amz-Signature=x");
            assert!(is_cloudformation_url(&url), "{url}");
        }
        for url in [
            format!("http://{BUCKET}.s3.amazonaws.com/x"),
            format!("https://{BUCKET}.s3.amazonaws.com:8443/x"),
            format!("https://a@{BUCKET}.s3.amazonaws.com/x"),
            format!("https://a:b@{BUCKET}.s3.amazonaws.com/x"),
            format!("https://{BUCKET}.s3.amazonaws.com.example.com/x"),
            format!("https://{BUCKET}.s3.amazonaws.com@example.com/x"),
            format!("https://{BUCKET}.example.amazonaws.com/x"),
            format!("https://{BUCKET}.s3x.amazonaws.com/x"),
            format!("https://{BUCKET}.s3.a.b.amazonaws.com/x"),
            format!("https://example.com/{BUCKET}.s3.amazonaws.com"),
            format!("https://s3.amazonaws.com/{BUCKET}/x"),
            "https://my-bucket.s3.amazonaws.com/x".to_owned(),
            "https://127.0.0.1/x".to_owned(),
            "https://169.254.169.254/latest".to_owned(),
            String::new(),
        ] {
            assert!(!is_cloudformation_url(&url), "{url}");
        }
    }
}
