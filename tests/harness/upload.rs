//! A file that a client uploads by its link.

use std::time::Duration;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde_json::json;
use shared::{
    config::Environment,
    domain::deadline::Deadline,
    http_client::{HttpClient, Request},
};
use url::Url;

use crate::Person;

/// Announces and uploads a text file. `organization` is its path. Returns the artifact's id.
pub async fn upload(person: &Person<'_>, organization: &str, name: &str, text: &str) -> String {
    let sha256 = HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref());
    let file = json!({ "mediaType": "text/plain", "byteSize": text.len(), "sha256": sha256 });
    let new = json!({ "name": name, "file": file });
    let made = person.client.post(&format!("{organization}/artifacts"), new).await.ok(201);
    let upload = &made.body["data"]["upload"];
    let url: Url = upload["url"].as_str().expect("a URL").parse().expect("a URL");
    let header = |name: &'static str| (name, upload["headers"][name].as_str().expect("a header"));
    let request = Request {
        method: "PUT",
        url: &url,
        headers: &[header("content-type"), header("x-amz-checksum-sha256")],
        body: text.as_bytes().to_vec(),
        deadline: Deadline::after(Duration::from_secs(30)),
        max_bytes: 1 << 20,
    };
    let put = HttpClient::new(Environment::Test).send(request).await.expect("an answer of storage");
    assert_eq!(put.status(), 200);
    made.id().to_owned()
}
