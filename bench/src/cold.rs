//! Cold starts: what a first request waits for.

use anyhow::Result;

use crate::{
    report::{Report, Target},
    secrets::TlsProxy,
    world::{World, get, millis},
};

/// Functions that connect to nothing while they start. Others would wait for a refused connection.
const WITHOUT_CONNECTIONS: [&str; 2] = ["Docs", "System"];

/// Starts each function and the baseline alternately.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let isolated = world.isolated_environment().await?;
    for id in WITHOUT_CONNECTIONS {
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..world.rounds {
            bare.push(millis(world.start_bare().await?.init));
            ours.push(millis(world.start(id, &isolated).await?.init));
        }
        report.add_ratio("init", format!("{id}, no connections"), "ms", (&bare, &ours), Target::AtMost(1.4));
    }
    let person = world.register(&world.start("Auth", &world.environment).await?).await?;
    let proxy = TlsProxy::start().await?;
    let mut environment = world.environment.clone();
    environment.extend(proxy.variables());
    let routes = [("Auth", "/v1/auth/me"), ("Organizations", "/v1/organizations")];
    for (id, path) in routes {
        let (mut bare, mut bare_cpu, mut bare_first) = (Vec::new(), Vec::new(), Vec::new());
        let (mut wall, mut cpu, mut first, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..world.rounds {
            let instance = world.start_bare().await?;
            bare.push(millis(instance.init));
            bare_cpu.push(millis(instance.init_cpu));
            let (_, took) = instance.request(&get("/health", None), 200).await?;
            bare_first.push(millis(instance.init + took));

            let instance = world.start(id, &environment).await?;
            wall.push(millis(instance.init));
            cpu.push(millis(instance.init_cpu));
            let (_, took) = instance.request(&get(path, Some(&person.token)), 200).await?;
            first.push(millis(instance.init + took));
            memory.push(instance.peak_memory()?);
        }
        report.add_ratio(
            "cold",
            format!("{id}: init, with all connections"),
            "ms",
            (&bare, &wall),
            Target::AtMost(15.0),
        );
        report.add_ratio("cold", format!("{id}: CPU of init"), "ms", (&bare_cpu, &cpu), Target::AtMost(7.0));
        let what = format!("{id}: init and first authenticated request");
        report.add_ratio("cold", what, "ms", (&bare_first, &first), Target::AtMost(15.0));
        report.add_value(
            "cold",
            format!("{id}: memory after the request"),
            "MiB",
            &memory,
            Target::AtMost(20.0),
        );
    }
    Ok(())
}
