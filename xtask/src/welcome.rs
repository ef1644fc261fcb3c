//! The text that `cargo xtask dev` and `cargo xtask services` print when everything runs.

use std::time::Duration;

use anyhow::Result;
use local_stack::{Stack, aws, model, postgres, providers};

use crate::{dev::Arguments, options::Options};

/// Prints all addresses, and a first request.
pub fn print(arguments: &Arguments, stack: &Stack, took: Duration) -> Result<()> {
    let options = &arguments.options;
    let (console, url, services) = (options.console_url(), options.api_url(), services(options, stack));
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
  Logs       cargo xtask logs --follow; one per service in .dev/logs
{services}
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

/// Prints the addresses of the services, and how to start the functions.
pub fn print_services(options: &Options, stack: &Stack, took: Duration) -> Result<()> {
    let (console, url, services) = (options.console_url(), options.api_url(), services(options, stack));
    let text = format!(
        r#"
The services are running ({:.0} s).

  Console    {console}, for an API at {url}
  Mailbox    cargo xtask mail
  Logs       .dev/logs, one per service
{services}
  AWS        {aws}
  Redis      {redis}

Start the functions in another terminal:

  eval "$(cargo xtask env)"
  cargo lambda watch

Stop with Ctrl-C.
"#,
        took.as_secs_f64(),
        aws = aws::url(options.aws_port()),
        redis = stack.redis().url(),
    );
    crate::progress::print(&text)
}

/// Returns the lines of the services that both commands show.
fn services(options: &Options, stack: &Stack) -> String {
    let database = match stack.postgres() {
        Some(postgres) => format!("cargo xtask psql, or {}", postgres.url(postgres::DATABASE)),
        None => String::from("from DATABASE_URL"),
    };
    let (model, name) = (model::url(options.model_port()), model::NAME);
    let providers = providers::url(options.providers_port());
    format!(
        "  Database   {database}\n  Model      {model}, {name} for embeddings\n  Sign-in    with Acme or GitHub, as one of the personas of {providers}"
    )
}
