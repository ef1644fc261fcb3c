//! Handlers look a row up before they change it, and refuse one that is not the caller's. The statements behind them refuse it too.

mod accounts;
mod factors;
mod organizations;

use uuid::Uuid;

fn uuid(text: &str) -> Uuid {
    let id = text.rsplit('/').next().expect("an id");
    id.parse().expect("a UUID")
}
