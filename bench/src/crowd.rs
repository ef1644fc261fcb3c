//! Three hundred concurrent instances, on the 25 server connections of a transaction pooler.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    report::{Report, Target},
    world::{World, event, get, millis},
};

const INSTANCES: usize = 300;
/// Reads and writes per instance.
const REQUESTS: usize = 10;

/// Returns the id of the first organization in a list.
fn first_id(answer: &Value) -> Option<String> {
    answer.pointer("/data/0/id").and_then(Value::as_str).map(str::to_owned)
}

/// Returns a percentile of sorted values.
pub fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

/// Runs all instances concurrently. Each serves one user, who writes and reads in turn. A read of another user's organization, or of an
/// old name, is an error.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let auth = world.start("Auth", &world.environment).await?;
    let mut crowd = Vec::new();
    for _ in 0..INSTANCES {
        let person = world.register(&auth).await?;
        let instance = world.start("Organizations", &world.environment).await?;
        let list = get("/v1/organizations", Some(&person.token));
        let (answer, _) = instance.request(&list, 200).await?;
        crowd.push((instance, person.token, list, first_id(&answer).context("an organization")?));
    }
    let mut running = JoinSet::new();
    for (instance, token, list, id) in crowd {
        running.spawn(async move {
            let path = format!("/v1/organizations/{id}");
            let (mut read, mut written): (Vec<Duration>, Vec<Duration>) = Default::default();
            for number in 0..REQUESTS {
                let name = json!(format!("{id} {number}"));
                let change = event("PATCH", &path, Some(&token), Some(&json!({ "name": name })), &[]);
                written.push(instance.request(&change, 200).await?.1);
                let (answer, took) = instance.request(&list, 200).await?;
                ensure!(first_id(&answer).as_ref() == Some(&id), "another user's organization: {answer}");
                ensure!(answer.pointer("/data/0/name") == Some(&name), "an old name: {answer}");
                read.push(took);
            }
            anyhow::Ok((id, read, written, instance.peak_memory()?))
        });
    }
    let (mut all, mut reads, mut writes, mut memory) = (BTreeSet::new(), Vec::new(), Vec::new(), Vec::new());
    let mut failed = 0;
    while let Some(one) = running.join_next().await {
        match one? {
            Ok((id, read, written, peak)) => {
                ensure!(all.insert(id), "two users with the same organization");
                reads.extend(read.into_iter().map(millis));
                writes.extend(written.into_iter().map(millis));
                memory.push(peak);
            }
            Err(error) => {
                failed += 1;
                eprintln!("  {error:#}");
            }
        }
    }
    report.add_value(
        "crowd",
        "300 concurrent instances: failed or wrong",
        "",
        &[f64::from(failed)],
        Target::AtMost(0.0),
    );
    for (what, mut taken) in [("a list", reads), ("a change", writes)] {
        taken.sort_by(f64::total_cmp);
        report.add_value("crowd", format!("300 concurrent instances: {what}"), "ms", &taken, Target::None);
        for percent in [95, 99] {
            let figure = [percentile(&taken, percent)];
            report.add_value(
                "crowd",
                format!("300 concurrent instances: {what}, p{percent}"),
                "ms",
                &figure,
                Target::None,
            );
        }
    }
    report.add_value(
        "crowd",
        "300 concurrent instances: memory of each",
        "MiB",
        &memory,
        Target::AtMost(20.0),
    );
    Ok(())
}
