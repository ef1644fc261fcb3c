//! Presigned requests: a client sends them to S3 itself, without credentials. Signing asks no service.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;

use super::{Bucket, unavailable};
use crate::error::Unavailable;

/// The content of an object, as a client announces it.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub media_type: &'a str,
    pub bytes: u64,
    pub sha256: &'a [u8],
}

/// A request that a client sends to S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Contains the signature.
    pub url: String,
    /// The headers that the client must send. The signature covers them.
    pub headers: Vec<(&'static str, String)>,
}

/// What a browser does with a downloaded object.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// The name of the file that the browser saves.
    pub file_name: &'a str,
    pub media_type: &'a str,
}

/// The time in which a signed request is valid.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    pub from: DateTime<Utc>,
    pub lifetime: Duration,
}

impl Validity {
    fn config(self) -> Result<PresigningConfig, Unavailable> {
        let config = PresigningConfig::builder().start_time(self.from.into()).expires_in(self.lifetime);
        config.build().map_err(|error| Unavailable::new("s3", error))
    }

    /// Returns the time at which the request is not valid any more.
    #[must_use]
    pub fn ends(&self) -> DateTime<Utc> {
        self.from + self.lifetime
    }
}

// Signing fails without credentials.
impl Bucket {
    /// Signs a `PUT` that creates the object `key`, once, with exactly this content.
    pub async fn sign_put(
        &self,
        key: &str,
        content: &Content<'_>,
        valid: &Validity,
    ) -> Result<SignedRequest, Unavailable> {
        let headers = vec![
            ("content-length", content.bytes.to_string()),
            ("content-type", content.media_type.to_owned()),
            ("if-none-match", "*".to_owned()),
            ("x-amz-checksum-sha256", BASE64.encode(content.sha256)),
        ];
        let signed = headers.clone();
        let put = self.client().await.put_object().bucket(&self.name).key(key);
        // Set on the request itself: the SDK leaves the checksum out of what it signs (aws-sdk-rust, issue 1103).
        let put = put.customize().mutate_request(move |request| {
            for (name, value) in &signed {
                request.headers_mut().insert(*name, value.clone());
            }
        });
        let request = put.presigned(valid.config()?).await.map_err(unavailable)?;
        Ok(SignedRequest { url: request.uri().to_owned(), headers })
    }

    /// Signs a `GET` of the object `key`, which a browser saves as a file.
    pub async fn sign_get(
        &self,
        key: &str,
        download: &Download<'_>,
        valid: &Validity,
    ) -> Result<String, Unavailable> {
        let get = self.client().await.get_object().bucket(&self.name).key(key);
        let get = get.response_content_type(download.media_type);
        let get = get.response_content_disposition(attachment(download.file_name));
        // An upload can have headers that nobody signed, and S3 returns them: an encoding with which a browser saves other bytes than
        // those that were hashed and read, or a time for which it keeps a copy.
        let get = get.response_content_encoding("identity").response_cache_control("private, no-store");
        let request = get.presigned(valid.config()?).await.map_err(unavailable)?;
        Ok(request.uri().to_owned())
    }
}

/// Returns a `Content-Disposition` that saves a file with this name (RFC 6266). Old clients read the name without what is not ASCII. What
/// separates the parts of a path, on any system, becomes `_`: some clients save a file where its name says.
fn attachment(file_name: &str) -> String {
    let name = file_name.replace(['/', '\\', ':'], "_");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_.()[]+=@,".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    // `attr-char` of RFC 8187.
    let is_attr = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
    let encoded: String = name
        .bytes()
        .map(|byte| if is_attr(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        Client, Config,
        config::{BehaviorVersion, Credentials, Region},
    };
    use tokio::sync::OnceCell;
    use url::Url;

    use super::*;

    const SHA256: [u8; 32] = [7; 32];

    fn bucket() -> Bucket {
        let credentials = Credentials::new("id", "key", Some("token".to_owned()), None, "test");
        let config = Config::builder().behavior_version(BehaviorVersion::latest());
        let config = config.region(Region::new("eu-west-1")).credentials_provider(credentials).build();
        let client = OnceCell::new_with(Some(Client::from_conf(config)));
        Bucket { name: "bucket".to_owned(), key: None, client }
    }

    /// For a minute.
    fn validity() -> Validity {
        let from = "2026-01-02T03:04:05Z".parse().expect("a time");
        Validity { from, lifetime: Duration::from_mins(1) }
    }

    /// Returns the parameter `name` of `url`.
    fn parameter(url: &str, name: &str) -> String {
        let url = Url::parse(url).expect("a URL");
        let mut pairs = url.query_pairs();
        let value = pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        value.unwrap_or_else(|| panic!("{name} in {url}"))
    }

    async fn put(content: Content<'_>) -> SignedRequest {
        bucket().sign_put("uploads/1/2/3", &content, &validity()).await.expect("a signed request")
    }

    #[tokio::test]
    async fn length_type_checksum_and_newness_of_an_upload_are_signed() {
        let content = Content { media_type: "text/csv", bytes: 12, sha256: &SHA256 };
        let signed = put(content).await;
        assert_eq!(
            parameter(&signed.url, "X-Amz-SignedHeaders"),
            "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
        );
        assert_eq!(parameter(&signed.url, "X-Amz-Expires"), "60");
        assert_eq!(parameter(&signed.url, "X-Amz-Date"), "20260102T030405Z");
        assert!(signed.url.starts_with("https://bucket.s3.eu-west-1.amazonaws.com/uploads/1/2/3?"));
        let checksum = BASE64.encode(&SHA256);
        let expected = [
            ("content-length", "12"),
            ("content-type", "text/csv"),
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", checksum.as_str()),
        ];
        assert_eq!(signed.headers, expected.map(|(name, value)| (name, value.to_owned())));
        for other in [
            Content { bytes: 13, ..content },
            Content { media_type: "text/html", ..content },
            Content { sha256: &[8; 32], ..content },
        ] {
            let signature = |request: &SignedRequest| parameter(&request.url, "X-Amz-Signature");
            assert_ne!(signature(&put(other).await), signature(&signed), "{other:?}");
        }
        // No default checksum of an empty body, which storage would compare with the content.
        assert!(!signed.url.to_lowercase().contains("crc"), "{}", signed.url);
    }

    #[tokio::test]
    async fn a_download_is_saved_and_not_shown() {
        let download = Download { file_name: "Bericht.pdf", media_type: "application/octet-stream" };
        let url = bucket().sign_get("uploads/1/2/3", &download, &validity()).await.expect("a URL");
        assert_eq!(parameter(&url, "response-content-type"), "application/octet-stream");
        let disposition = parameter(&url, "response-content-disposition");
        assert_eq!(disposition, "attachment; filename=\"Bericht.pdf\"; filename*=UTF-8''Bericht.pdf");
        assert_eq!(parameter(&url, "response-content-encoding"), "identity");
        assert_eq!(parameter(&url, "response-cache-control"), "private, no-store");
        assert_eq!(parameter(&url, "X-Amz-SignedHeaders"), "host");
    }

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        for (name, expected) in [
            ("a\"; b=c", r#"attachment; filename="a__ b=c"; filename*=UTF-8''a%22%3B%20b%3Dc"#),
            ("..\\b/c:d", r#"attachment; filename=".._b_c_d"; filename*=UTF-8''.._b_c_d"#),
            ("a\r\nX: y", r#"attachment; filename="a__X_ y"; filename*=UTF-8''a%0D%0AX_%20y"#),
            (
                "Größe €.txt",
                r#"attachment; filename="Gr__e _.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%82%AC.txt"#,
            ),
            ("100%.txt", r#"attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt"#),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
