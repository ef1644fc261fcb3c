//! The parts that jobs and API functions share.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{edit::Plan, names::Name};
use crate::project::Project;

/// The alarm about secrets that could not be read again, and the metric of one function in it.
pub const SECRETS_ALARM: &str = "SecretsTooOld";
pub const JOB_SECRETS_ALARM: &str = "JobSecretsTooOld";
pub const SECRET_AGE: &str = include_str!("../../templates/lambda/secret-age.yaml");
/// CloudWatch allows ten metrics in one alarm. One stays free.
const MAX_METRICS: usize = 9;

/// Reads the name of a new function. Refuses a name that something else has.
pub fn name(project: &Project, text: &str) -> Result<Name> {
    let name = Name::parse(text)?;
    let (kebab, pascal) = (name.kebab(), name.pascal());
    let read =
        |path: &str| fs::read_to_string(project.root.join(path)).with_context(|| format!("read {path}"));
    ensure!(!project.root.join("functions").join(kebab).exists(), "functions/{kebab} exists already");
    let taken =
        |name: &str| Ok::<_, anyhow::Error>(read("Cargo.lock")?.contains(&format!("name = \"{name}\"\n")));
    ensure!(
        !taken(kebab)? && !taken(&name.snake())?,
        "Cargo.lock has a crate `{kebab}` already: choose another name"
    );
    for kind in ["", "Role", "Logs", "Failures", "Rollback", "Memory"] {
        let id = format!("\n  {pascal}{kind}:\n");
        ensure!(
            !read("template.yaml")?.contains(&id),
            "template.yaml has {pascal}{kind} already: choose another name"
        );
    }
    ensure!(
        !read("Cargo.toml")?.contains(&format!("\"/v1/{kebab}")),
        "a function serves /v1/{kebab} already: choose another name"
    );
    Ok(name)
}

/// Adds the function to the page about rollbacks: `row` is what follows its name, `section` what the log says.
pub fn rollback(plan: &mut Plan<'_>, name: &Name, row: &str, section: &str) -> Result<()> {
    const PAGE: &str = "docs/runbooks/rollback.md";
    const HEADER: &str =
        "| function | failures in a minute | what stops working | what rolls back | what to check first |";
    let kebab = name.kebab();
    plan.sorted_row(PAGE, HEADER, &format!("| [`{kebab}`](#{kebab}) | {row} |"))?;
    plan.section(PAGE, kebab, section)
}

/// Adds the function to the diagram: a node, and its arrows after the line `neighbour`.
pub fn diagram(plan: &mut Plan<'_>, name: &Name, neighbour: &str, arrow: &str, services: &str) -> Result<()> {
    const PAGE: &str = "docs/architecture.md";
    let kebab = name.kebab();
    plan.after(PAGE, neighbour, arrow)?;
    plan.within(PAGE, "    subgraph functions\n", "    end\n", &format!("        {kebab}\n"))?;
    plan.within(PAGE, "```mermaid\n", "```\n", &format!("    {kebab} --> {services}\n"))
}

/// Adds the log of the function to those that `observe` reads.
pub fn observe(plan: &mut Plan<'_>, name: &Name) -> Result<()> {
    const EVENT: &str = "        LinesOf%pascal%:
          Type: CloudWatchLogs
          Properties:
            LogGroupName: !Ref %pascal%Logs
            FilterPattern: *wanted
";
    let event = EVENT.replace("%pascal%", &name.pascal());
    plan.before("infra/app/functions/observe.yaml", "      EventInvokeConfig:\n", &event)
}

/// Adds the metric of a function to `alarm`.
pub fn metric(plan: &mut Plan<'_>, alarm: &str, metric: &str) -> Result<()> {
    const ALARMS: &str = "infra/app/alarms.yaml";
    let (text, begin) = (plan.text(ALARMS)?, format!("  {alarm}:\n"));
    let properties = text.split(&begin).nth(1).and_then(|rest| rest.split("\n\n").next());
    let metrics = properties.unwrap_or_default().matches("MetricStat:").count();
    ensure!(
        metrics < MAX_METRICS,
        "{ALARMS}: {alarm} has {metrics} metrics, and one of ten stays free; split it"
    );
    plan.within(ALARMS, &begin, "      EvaluationPeriods: ", metric)
}
