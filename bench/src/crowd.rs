//! Three hundred instances at once, on the few server connections that a transaction pooler has for them.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    report::{Report, Target},
    world::{World, get, millis},
};

const INSTANCES: usize = 300;
const REQUESTS: usize = 10;

/// The id of the one organization in a list.
fn own(answer: &Value) -> Option<String> {
    answer.pointer("/data/0/id").and_then(Value::as_str).map(str::to_owned)
}

/// Each serves its own person and must never see another's organization.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let auth = world.start("Auth", &world.environment).await?;
    let event = |token: &str| get("/v1/organizations", Some(token));
    let mut crowd = Vec::new();
    for _ in 0..INSTANCES {
        let person = world.person(&auth).await?;
        let instance = world.start("Organizations", &world.environment).await?;
        let event = event(&person.token);
        let (answer, _) = instance.ask(&event, 200).await?;
        crowd.push((instance, event, own(&answer).context("an organization")?));
    }
    let mut asking = JoinSet::new();
    for (instance, event, mine) in crowd {
        asking.spawn(async move {
            let mut taken: Vec<Duration> = Vec::new();
            for _ in 0..REQUESTS {
                let (answer, took) = instance.ask(&event, 200).await?;
                ensure!(own(&answer).as_ref() == Some(&mine), "another's organization: {answer}");
                taken.push(took);
            }
            anyhow::Ok((mine, taken))
        });
    }
    let (mut all, mut taken) = (BTreeSet::new(), Vec::new());
    let mut failed = 0;
    while let Some(one) = asking.join_next().await {
        match one? {
            Ok((mine, times)) => {
                ensure!(all.insert(mine), "two people with one organization");
                taken.extend(times.into_iter().map(millis));
            }
            Err(error) => {
                failed += 1;
                eprintln!("  {error:#}");
            }
        }
    }
    report.measured(
        "crowd",
        "300 instances at once: failed or wrong",
        "",
        &[f64::from(failed)],
        Target::AtMost(0.0),
    );
    report.measured("crowd", "… a list of organizations meanwhile", "ms", &taken, Target::None);
    Ok(())
}
