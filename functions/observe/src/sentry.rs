//! The receiver of errors: Sentry, or a server with its protocol (Sentry Developer Documentation, "Envelopes").

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use sentry_types::{Dsn, protocol::v7::Envelope};
use shared::{
    aws::secrets::Secrets,
    config::{Monitoring, Setting},
    domain::{clock::Clock, deadline::Deadline},
    http_client::{HttpClient, Request},
    lambda::queue::TryAgain,
};

use crate::{CALL_TIMEOUT, flood::Flood, problem::Problem};

const CLIENT: &str = concat!("arches/", env!("CARGO_PKG_VERSION"));
const MAX_RESPONSE_BYTES: usize = 64 << 10;
/// For a 429 without `Retry-After`, as Sentry's own clients do.
const DEFAULT_PAUSE: Duration = Duration::from_mins(1);
/// A server may not stop reports for longer.
const MAX_PAUSE: Duration = Duration::from_hours(1);

pub struct Sentry {
    http: HttpClient,
    secrets: Secrets,
    dsn: Setting,
    clock: Arc<dyn Clock>,
    flood: Flood,
    /// No call before this time: the server has asked for a pause.
    paused_until: Mutex<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub struct Reported {
    pub sent: usize,
    pub suppressed: usize,
}

impl Sentry {
    /// Returns the configured server; `None` without one.
    pub fn new(
        config: &Monitoring,
        http: HttpClient,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Option<Self> {
        let dsn = config.sentry.clone();
        let configured = !matches!(dsn, Setting::Absent(_));
        configured.then(|| Self {
            http,
            secrets,
            dsn,
            clock,
            flood: Flood::default(),
            paused_until: Mutex::default(),
        })
    }

    /// Sends `problems`, one after the other. Stops at the first one that cannot be delivered.
    pub async fn send(&self, problems: Vec<Problem>, deadline: Deadline) -> anyhow::Result<Reported> {
        let mut reported = Reported::default();
        if problems.is_empty() {
            return Ok(reported);
        }
        let dsn = self.secrets.get(&self.dsn).await?;
        if dsn.trim().is_empty() {
            // Nobody has filled the secret: there is no Sentry.
            return Ok(reported);
        }
        let dsn = dsn.trim().parse::<Dsn>().map_err(|error| {
            // The error does not repeat the value.
            anyhow!("SENTRY_DSN is not a DSN: {error}; expected https://<key>@<host>/<project>")
        })?;
        for problem in problems {
            if !self.flood.admit(&problem.fingerprint, self.clock.now()) {
                reported.suppressed += 1;
                continue;
            }
            self.deliver(&dsn, problem, deadline).await?;
            reported.sent += 1;
        }
        if reported.suppressed > 0 {
            tracing::warn!(
                count = reported.suppressed,
                "error reports suppressed: too many of a kind in a minute"
            );
        }
        Ok(reported)
    }

    async fn deliver(&self, dsn: &Dsn, problem: Problem, deadline: Deadline) -> anyhow::Result<()> {
        let unavailable = |why: &dyn std::fmt::Display| TryAgain(format!("SENTRY_DSN is unavailable: {why}"));
        if self.clock.now() < self.paused_until() {
            return Err(unavailable(&"it asked for a pause").into());
        }
        let mut envelope = Envelope::new();
        envelope.add_item(problem.event());
        let mut body = Vec::new();
        envelope.to_writer(&mut body)?;
        let (url, auth) = (dsn.envelope_api_url(), dsn.to_auth(Some(CLIENT)).to_string());
        let left = deadline.left(Duration::from_secs(1)).min(CALL_TIMEOUT);
        let headers = [("content-type", "application/x-sentry-envelope"), ("x-sentry-auth", auth.as_str())];
        let response = self.http.send(Request {
            method: "POST",
            url: &url,
            headers: &headers,
            body,
            deadline: Deadline::after(left),
            max_bytes: MAX_RESPONSE_BYTES,
        });
        let response =
            response.await.map_err(|error| unavailable(&format!("{:#}", anyhow::Error::from(error))))?;
        match response.status() {
            200..=299 => {
                // Read to the end, so that the connection is used again.
                response.bytes().await.map_err(|error| unavailable(&error))?;
            }
            429 => {
                self.pause(response.header("retry-after"));
                return Err(unavailable(&"status 429").into());
            }
            // The same report would be refused again.
            status @ (400 | 413) => tracing::error!(status, "error report refused by SENTRY_DSN"),
            status => return Err(unavailable(&format!("status {status}")).into()),
        }
        Ok(())
    }

    fn paused_until(&self) -> DateTime<Utc> {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self, retry_after: Option<&str>) {
        let seconds = retry_after.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        let pause = seconds.unwrap_or(DEFAULT_PAUSE).min(MAX_PAUSE);
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now() + pause;
    }
}
