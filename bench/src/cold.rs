//! What a first request waits for.

use anyhow::Result;

use crate::{
    report::{Report, Target},
    secrets::Front,
    world::{World, get, millis},
};

/// Those that dial nobody while they start; the others wait for what refuses them.
const SILENT: [&str; 2] = ["Docs", "System"];

/// Starts each function beside the floor, round after round.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let alone = world.alone().await?;
    for id in SILENT {
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..world.rounds {
            bare.push(millis(world.start_bare().await?.init));
            ours.push(millis(world.start(id, &alone).await?.init));
        }
        report.compared("init", format!("{id}, nobody to dial"), "ms", (&bare, &ours), Target::AtMost(1.4));
    }
    let person = world.person(&world.start("Auth", &world.environment).await?).await?;
    let front = Front::start().await?;
    let mut environment = world.environment.clone();
    environment.extend(front.variables());
    let routes = [("Auth", "/v1/auth/me"), ("Organizations", "/v1/organizations")];
    for (id, path) in routes {
        let (mut bare, mut bare_cpu, mut bare_first) = (Vec::new(), Vec::new(), Vec::new());
        let (mut wall, mut cpu, mut first, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..world.rounds {
            let instance = world.start_bare().await?;
            bare.push(millis(instance.init));
            bare_cpu.push(millis(instance.init_cpu));
            let (_, took) = instance.ask(&get("/health", None), 200).await?;
            bare_first.push(millis(instance.init + took));

            let instance = world.start(id, &environment).await?;
            wall.push(millis(instance.init));
            cpu.push(millis(instance.init_cpu));
            let (_, took) = instance.ask(&get(path, Some(&person.token)), 200).await?;
            first.push(millis(instance.init + took));
            memory.push(instance.peak_memory()?);
        }
        report.compared(
            "cold",
            format!("{id}: init, everything dialled"),
            "ms",
            (&bare, &wall),
            Target::AtMost(15.0),
        );
        report.compared("cold", format!("{id}: CPU of that"), "ms", (&bare_cpu, &cpu), Target::AtMost(7.0));
        let what = format!("{id}: init and first authenticated request");
        report.compared("cold", what, "ms", (&bare_first, &first), Target::AtMost(15.0));
        report.measured("cold", format!("{id}: memory after it"), "MiB", &memory, Target::AtMost(20.0));
    }
    Ok(())
}
