//! Links for uploads and downloads, before a storage that checks them as S3 does.

use std::sync::Arc;

use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use harness::{Answer, Person, StrictS3, TestApp};
use ring::digest::{SHA256, digest};
use serde_json::json;

use super::id;

const CONTENT: &[u8] = b"%PDF-1.7 the announced content";

struct Upload {
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl Upload {
    fn read(answer: &Answer, pointer: &str) -> Self {
        let upload = answer.body.pointer(pointer).expect("an upload");
        let header =
            |name: &'static str| (name, upload["headers"][name].as_str().expect("a header").to_owned());
        let headers =
            ["content-type", "content-length", "if-none-match", "x-amz-checksum-sha256"].map(header);
        Self { url: upload["url"].as_str().expect("a URL").to_owned(), headers: headers.into() }
    }

    async fn put(&self, storage: &StrictS3, content: &[u8]) -> (u16, String) {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, &**value)).collect();
        let (status, body) = storage.send("PUT", &self.url, &headers, content).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// Announces a PDF with [`CONTENT`]. Returns its path and the upload.
async fn announce(ada: &Person<'_>, team: &str) -> (String, Upload) {
    let sha256 = HEXLOWER.encode(digest(&SHA256, CONTENT).as_ref());
    let file = json!({ "mediaType": "application/pdf", "byteSize": CONTENT.len(), "sha256": sha256 });
    let made =
        ada.client.post(&format!("{team}/artifacts"), json!({ "name": "A.pdf", "file": file })).await.ok(201);
    (format!("{team}/artifacts/{}", made.id()), Upload::read(&made, "/data/upload"))
}

#[tokio::test]
async fn storage_takes_the_announced_file_once_and_nothing_else() {
    let app = TestApp::new().await;
    let storage = StrictS3::start(Arc::new(app.clock.clone())).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, upload) = announce(&ada, &team).await;

    for content in [&CONTENT[1..], b"%PDF-1.7 the announced conteNt", b"", &[CONTENT, b"."].concat()[..]] {
        let (status, body) = upload.put(&storage, content).await;
        assert!([400, 403].contains(&status), "{status}: {body}");
    }
    for (name, value) in
        [("content-type", "text/html"), ("x-amz-checksum-sha256", "x"), ("if-none-match", "x")]
    {
        let mut headers = upload.headers.clone();
        headers.iter_mut().filter(|(known, _)| *known == name).for_each(|(_, given)| value.clone_into(given));
        let (status, body) = Upload { url: upload.url.clone(), headers }.put(&storage, CONTENT).await;
        assert!([400, 403].contains(&status), "{name}: {status}: {body}");
    }
    let other = Upload { url: upload.url.replace(id(&path), id(&team)), headers: upload.headers.clone() };
    assert_eq!(other.put(&storage, CONTENT).await.0, 403);

    assert_eq!(upload.put(&storage, CONTENT).await.0, 200);
    assert_eq!(upload.put(&storage, CONTENT).await.0, 412);
}

#[tokio::test]
async fn a_link_is_valid_for_its_minutes() {
    let app = TestApp::new().await;
    let storage = StrictS3::start(Arc::new(app.clock.clone())).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, upload) = announce(&ada, &team).await;

    app.clock.advance(TimeDelta::seconds(15 * 60 + 1));
    assert_eq!(upload.put(&storage, CONTENT).await.0, 403);
    let ada = ada.sign_in_again().await;
    let again = ada.client.post_nothing(&format!("{path}/upload")).await.ok(200);
    assert_eq!(Upload::read(&again, "/data").put(&storage, CONTENT).await.0, 200);

    super::set(&app, &path, "status = 'processing', stage = 'extracting'").await;
    let link = ada.client.post(&format!("{path}/download"), json!({ "as": "file" })).await.ok(200);
    let url = link.text("/data/url");
    let (status, body) = storage.send("GET", url, &[], &[]).await;
    assert_eq!((status, &*body), (200, CONTENT));
    app.clock.advance(TimeDelta::seconds(5 * 60 + 1));
    assert_eq!(storage.send("GET", url, &[], &[]).await.0, 403);
}
