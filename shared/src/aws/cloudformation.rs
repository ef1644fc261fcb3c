//! CloudFormation, for which a function makes a resource of a stack and says at a URL what came of it.
//!
//! After the AWS CloudFormation User Guide, "Custom resource request objects" and "Custom resource response objects".

use std::time::Duration;

use anyhow::Context;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use url::Url;

use super::client;
use crate::lambda::job::Deadline;

/// How often an answer is sent until it arrives.
const ATTEMPTS: u32 = 3;
/// How long each attempt may take.
const ATTEMPT: Duration = Duration::from_secs(4);
/// The time between two.
const PAUSE: Duration = Duration::from_secs(1);
/// What the work leaves to the answer: all attempts. Without an answer CloudFormation waits an hour.
const RESERVE: Duration = Duration::from_secs(15);
/// The most bytes of a reason. The whole answer may have 4096.
const LONGEST_REASON: usize = 1000;

/// What a function is called with that also makes a resource.
pub enum Call<E> {
    /// By CloudFormation.
    Resource(Event),
    /// With an event of its own.
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

/// What CloudFormation asks for. Its URL lets whoever knows it answer, so no form of this can be printed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    request_type: RequestType,
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    resource_type: String,
    logical_resource_id: String,
    physical_resource_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

/// A kind of resource.
pub struct Resource {
    /// What it is called in a template: `Custom::…`.
    pub kind: &'static str,
    /// The one there is of it. Never another: CloudFormation would take that for a replacement.
    pub id: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failed,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    no_echo: bool,
}

/// What CloudFormation was told.
#[derive(Debug, Serialize)]
pub struct Answered {
    answered: Status,
}

impl Event {
    /// Does `work`, which makes `resource` or brings it up to date, and tells CloudFormation whether it succeeded. What is
    /// deleted with the stack is only the record of it.
    ///
    /// A failure that was told is none to Lambda: whoever asked knows of it, and nobody should ask again.
    pub async fn answered(
        &self,
        resource: &Resource,
        deadline: Deadline,
        work: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Answered> {
        anyhow::ensure!(
            is_cloudformations(&self.response_url),
            "the answer would not go to CloudFormation; nothing is done"
        );
        let done = match self.request_type {
            RequestType::Delete => Ok(()),
            RequestType::Create | RequestType::Update => {
                let ours = self.resource_type == resource.kind;
                let work = async {
                    anyhow::ensure!(
                        ours,
                        "this function makes {}, not {}",
                        resource.kind,
                        self.resource_type
                    );
                    work.await
                };
                deadline.within(RESERVE, work).await
            }
        };
        let reason = done.err().map(|error| format!("{error:#}"));
        if let Some(reason) = &reason {
            tracing::error!(error = reason, resource = self.logical_resource_id, "custom resource failed");
        }
        let status = if reason.is_some() { Status::Failed } else { Status::Success };
        let answer = Answer {
            status,
            reason: reason.as_deref().map(|reason| &reason[..reason.floor_char_boundary(LONGEST_REASON)]),
            physical_resource_id: self.physical_resource_id.as_deref().unwrap_or(resource.id),
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_resource_id: &self.logical_resource_id,
            no_echo: true,
        };
        send(&self.response_url, &serde_json::to_string(&answer)?).await?;
        Ok(Answered { answered: status })
    }
}

async fn send(url: &str, answer: &str) -> anyhow::Result<()> {
    let url = destination(url).await?;
    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
    let mut attempt = 1;
    loop {
        let sent = timeout(ATTEMPT, put(&connector, &url, answer)).await.context("no answer in time");
        match sent.flatten() {
            Ok(()) => return Ok(()),
            Err(error) if attempt == ATTEMPTS => return Err(error.context("CloudFormation was not told")),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "CloudFormation not told yet"),
        }
        attempt += 1;
        sleep(PAUSE).await;
    }
}

async fn put(connector: &Connector, url: &str, answer: &str) -> anyhow::Result<()> {
    let mut request = HttpRequest::new(answer.into());
    request.set_method("PUT")?;
    request.set_uri(url)?;
    // Part of what the URL's signature covers, and empty there.
    request.headers_mut().insert("content-type", "");
    request.headers_mut().insert("content-length", answer.len().to_string());
    let status = connector.call(request).await?.status();
    anyhow::ensure!(status.is_success(), "S3 answered {}", status.as_u16());
    Ok(())
}

/// `url`, or the same at the stand-in for AWS.
async fn destination(url: &str) -> anyhow::Result<String> {
    let Some(stand_in) = client::config().await.endpoint_url() else { return Ok(url.to_owned()) };
    let url = Url::parse(url)?;
    Ok(Url::parse(stand_in)?.join(&url[url::Position::BeforePath..])?.into())
}

/// Whether `url` is in one of the buckets in which CloudFormation looks for answers: an event with another URL is not its
/// own, and would make us tell someone else.
fn is_cloudformations(url: &str) -> bool {
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
            assert!(is_cloudformations(&url), "{url}");
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
            assert!(!is_cloudformations(&url), "{url}");
        }
    }
}
