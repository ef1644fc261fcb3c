//! How soon pages are painted. It depends on the machine, so only `cargo xtask trial paint` runs it.

use harness::PASSWORD;
use serde_json::json;

use crate::site::Site;

const BUDGET_MILLIS: u64 = 1_000;
const LATENCIES_MILLIS: [u64; 3] = [0, 50, 150];
/// Beyond this latency there is no budget: the home page of a signed-in person waits for four answers, one after the other.
const MAX_LATENCY_MILLIS: u64 = 50;
/// Of each page at each latency.
const RUNS: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures: cargo xtask trial paint"]
async fn pages_are_painted_in_time() {
    let site = Site::with_console().await;
    let ada = site.app.verified_person("Ada").await;
    for name in ["Engines", "Looms"] {
        ada.create_organization(name).await;
    }
    let person = json!({ "email": ada.email, "password": PASSWORD });
    let given = json!({
        "pages": [
            { "path": "/sign-in", "heading": "Sign in" },
            { "path": "/", "heading": "Organizations", "person": person },
        ],
        "latencies": LATENCIES_MILLIS,
        "runs": RUNS,
    });
    let told = site.tell("console/paint", &given).await;
    let results = told.as_array().expect("results");
    assert_eq!(results.len(), 2 * LATENCIES_MILLIS.len());
    eprintln!("page         latency   largest paint   budget");
    let mut late = 0;
    for result in results {
        let [latency, paint] =
            ["latency", "milliseconds"].map(|name| result[name].as_u64().expect("a number"));
        let path = result["path"].as_str().expect("a path");
        let has_budget = latency <= MAX_LATENCY_MILLIS;
        let budget = if has_budget { format!("{BUDGET_MILLIS} ms") } else { "none".to_owned() };
        eprintln!("{path:<12} {latency:>4} ms   {paint:>10} ms   {budget}");
        late += u64::from(has_budget && paint > BUDGET_MILLIS);
    }
    assert_eq!(late, 0, "pages at a latency whose largest paint is too late");
}
