//! The part of S3 that a backup needs. It stores only lengths, so that the backup is measured and not S3.
//!
//! See the Amazon S3 API Reference: multipart uploads, HEAD, PUT and an empty list.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

/// Larger than any part.
const MAX_BODY_SIZE: usize = 64 << 20;

/// The length of the only object.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<u64>>);

impl Sink {
    /// Starts the server. Returns its URL.
    pub async fn start(&self) -> Result<String> {
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(MAX_BODY_SIZE))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(url)
    }
}

async fn answer(State(sink): State<Sink>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let begins = query.split('&').any(|name| name.starts_with("uploads"));
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_SIZE).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut length = sink.0.lock().unwrap_or_else(PoisonError::into_inner);
    let etag = [(header::ETAG, "\"1\"")];
    match parts.method {
        Method::POST if begins => {
            *length = 0;
            xml("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        }
        Method::POST => {
            xml("<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>")
        }
        Method::PUT if query.contains("partNumber") => {
            *length += body.len() as u64;
            etag.into_response()
        }
        Method::PUT => etag.into_response(),
        Method::HEAD => {
            [(header::CONTENT_LENGTH, length.to_string()), (header::ETAG, "\"1\"".to_owned())].into_response()
        }
        _ => xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
    }
}

fn xml(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], Bytes::from_static(body.as_bytes())).into_response()
}
