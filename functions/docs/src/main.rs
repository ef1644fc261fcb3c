//! The `docs` function.

use lambda_http::{Error, run};
use shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    run(docs::service()).await
}
