//! Three hundred instances at once, on the 25 server connections that a transaction pooler has for them.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    report::{Report, Target},
    world::{World, event, get, millis},
};

const INSTANCES: usize = 300;
/// How many reads each makes, and how many writes.
const REQUESTS: usize = 10;

/// The id of the one organization in a list.
fn own(answer: &Value) -> Option<String> {
    answer.pointer("/data/0/id").and_then(Value::as_str).map(str::to_owned)
}

/// How long the quickest `percent` of a hundred took at the most.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

/// Each serves its own person, who reads and writes in turn, and must never see another's organization nor an older name.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let auth = world.start("Auth", &world.environment).await?;
    let mut crowd = Vec::new();
    for _ in 0..INSTANCES {
        let person = world.person(&auth).await?;
        let instance = world.start("Organizations", &world.environment).await?;
        let list = get("/v1/organizations", Some(&person.token));
        let (answer, _) = instance.ask(&list, 200).await?;
        crowd.push((instance, person.token, list, own(&answer).context("an organization")?));
    }
    let mut asking = JoinSet::new();
    for (instance, token, list, mine) in crowd {
        asking.spawn(async move {
            let path = format!("/v1/organizations/{mine}");
            let (mut read, mut written): (Vec<Duration>, Vec<Duration>) = Default::default();
            for number in 0..REQUESTS {
                let name = json!(format!("{mine} {number}"));
                let change = event("PATCH", &path, Some(&token), Some(&json!({ "name": name })), &[]);
                written.push(instance.ask(&change, 200).await?.1);
                let (answer, took) = instance.ask(&list, 200).await?;
                ensure!(own(&answer).as_ref() == Some(&mine), "another's organization: {answer}");
                ensure!(answer.pointer("/data/0/name") == Some(&name), "an older name: {answer}");
                read.push(took);
            }
            anyhow::Ok((mine, read, written, instance.peak_memory()?))
        });
    }
    let (mut all, mut reads, mut writes, mut memory) = (BTreeSet::new(), Vec::new(), Vec::new(), Vec::new());
    let mut failed = 0;
    while let Some(one) = asking.join_next().await {
        match one? {
            Ok((mine, read, written, most)) => {
                ensure!(all.insert(mine), "two people with one organization");
                reads.extend(read.into_iter().map(millis));
                writes.extend(written.into_iter().map(millis));
                memory.push(most);
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
    for (what, mut taken) in [("a list", reads), ("a change", writes)] {
        taken.sort_by(f64::total_cmp);
        report.measured("crowd", format!("… {what} meanwhile"), "ms", &taken, Target::None);
        for percent in [95, 99] {
            let figure = [percentile(&taken, percent)];
            report.measured(
                "crowd",
                format!("… {what}, {percent} of 100 within"),
                "ms",
                &figure,
                Target::None,
            );
        }
    }
    report.measured("crowd", "… memory of each", "MiB", &memory, Target::AtMost(20.0));
    Ok(())
}
