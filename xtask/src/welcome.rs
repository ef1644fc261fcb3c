//! The text that `cargo xtask dev` prints when everything runs.

use std::time::Duration;

use anyhow::Result;
use local_stack::{Stack, model, postgres, providers};

use crate::dev::Arguments;

/// Prints all addresses, and a first request.
pub fn print(arguments: &Arguments, stack: &Stack, took: Duration) -> Result<()> {
    let (console, url) = (arguments.console_url(), arguments.api_url());
    let database = match stack.postgres() {
        Some(postgres) => postgres.url(postgres::DATABASE),
        None => String::from("from DATABASE_URL"),
    };
    let (model, name) = (model::url(arguments.model_port()), model::NAME);
    let providers = providers::url(arguments.providers_port());
    let metrics = format!("http://127.0.0.1:{}/metrics", arguments.metrics_port());
    let receivers = arguments.receivers().map_or_else(String::new, |(collector, sentry)| {
        format!(
            "\n  Traces     .dev/logs/collector.log, from http://127.0.0.1:{collector}/v1/traces\n  Errors     http://127.0.0.1:{sentry}"
        )
    });
    let text = format!(
        r#"
Arches is running ({:.0} s).

  Console    {console}
  API        {url}
  Docs       {url}/docs
  OpenAPI    {url}/openapi.json
  Mailbox    cargo xtask mail
  Logs       .dev/logs/functions.log, and one per service
  Database   {database}
  Model      {model}, {name} for embeddings
  Sign-in    with Acme or GitHub, as one of the personas of {providers}
  Metrics    {metrics}{receivers}

Open the console and register. `cargo xtask mail` shows the mail with the link. Or register with the API:

  curl -i {url}/v1/auth/register -H 'content-type: application/json' \
    -d '{{"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery staple"}}'

Stop with Ctrl-C.
"#,
        took.as_secs_f64()
    );
    crate::progress::print(&text)
}
