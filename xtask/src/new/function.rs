//! `cargo xtask new function`

use anyhow::Result;

use super::{Options, changelog, edit::Plan, lambda, names::fill};
use crate::project::Project;

/// Create an API function: a group of routes below /v1/<name>, its infrastructure, alarms, runbook and tests
///
/// It has one route, GET /v1/<name>/status, which shows that the function reaches the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask new function notices
  cargo xtask new function billing --generate")]
pub struct Arguments {
    /// Its name, in lower case with hyphens: the name of its folder, its program, its tag and its paths
    name: String,
    #[command(flatten)]
    pub options: Options,
}

/// Files of the function and their templates.
const FILES: [(&str, &str); 7] = [
    ("functions/%kebab%/Cargo.toml", include_str!("../../templates/function/Cargo.toml")),
    ("functions/%kebab%/src/lib.rs", include_str!("../../templates/function/lib.rs")),
    ("functions/%kebab%/src/main.rs", include_str!("../../templates/function/main.rs")),
    ("functions/%kebab%/src/state.rs", include_str!("../../templates/function/state.rs")),
    ("functions/%kebab%/src/status.rs", include_str!("../../templates/function/status.rs")),
    ("infra/app/functions/%kebab%.yaml", include_str!("../../templates/function/fragment.yaml")),
    ("tests/api/%snake%.rs", include_str!("../../templates/function/test.rs")),
];
const ENTRY: &str = include_str!("../../templates/function/entry.rs");
const THROTTLES: &str = include_str!("../../templates/function/throttles.yaml");
const SECTION: &str = include_str!("../../templates/function/rollback.md");
/// Instances that production reserves for a new function.
const CONCURRENCY: u32 = 10;

/// Plans all files of the function. Returns what to do next.
pub fn plan(project: &Project, plan: &mut Plan<'_>, arguments: &Arguments) -> Result<String> {
    let name = lambda::name(project, &arguments.name)?;
    let filled = |template: &str| fill(template, &name, &name);
    for (path, template) in FILES {
        plan.create(&filled(path), filled(template))?;
    }
    register(plan, &filled)?;
    reserve(plan, &filled)?;
    watch(plan, &filled)?;
    // The smoke test of its new versions reports to CodeDeploy.
    let group = "                  - !Sub arn:${AWS::Partition}:codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:${ServerlessDeploymentApplication}/${%Pascal%DeploymentGroup}\n";
    let after = "              - Effect: Allow\n                Action: sqs:SendMessage\n                Resource: !GetAtt FailedJobs.Arn";
    plan.before("infra/app/functions/smoke.yaml", after, &filled(group))?;
    lambda::metric(plan, lambda::SECRETS_ALARM, &filled(lambda::SECRET_AGE))?;

    let row =
        "5 | some requests to `/v1/%kebab%` | the new version of `%kebab%` | ERROR lines, then `/ready`";
    lambda::rollback(plan, &name, &filled(row), &filled(SECTION))?;
    lambda::observe(plan, &name)?;
    let page = "docs/architecture.md";
    plan.before(page, "| `docs` | `/docs", &filled("| `%kebab%` | `/v1/%kebab%/…` | `status` |\n"))?;
    let docs = "    gateway -->|/docs/…| docs\n";
    let arrow = filled("    gateway -->|/v1/%kebab%/…| %kebab%\n");
    lambda::diagram(plan, &name, docs, &arrow, "proxy & redis & secrets")?;
    let outage = "| `%kebab%` | 503 | as usual, PostgreSQL is asked each time | as usual | 503; without a token 401 | as usual |\n";
    plan.before(page, "| `GET /account/…` | 200 |", &filled(outage))?;
    let trips = filled("| show_%snake%_status | 1 | 1 |");
    plan.sorted_row("docs/round-trips.md", "| operation | Redis | PostgreSQL |", &trips)?;
    changelog(plan, &filled("- `GET /v1/%kebab%/status`: whether `%kebab%` reaches the database.\n"))?;
    Ok(filled(
        "  1. cargo xtask generate           (openapi.json, template.yaml and docs/configuration.md)
  2. cargo xtask test %snake%
  3. add routes in functions/%kebab%/src; a path outside of /v1/%kebab%/ also needs a line in the router table of Cargo.toml
     and an event in infra/app/functions/%kebab%.yaml
  4. add a check of the new version to functions/smoke (docs/operations/smoke.md)\n",
    ))
}

/// Adds the function to the lists of crates, paths, API functions and tests.
fn register(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let dependency = filled("%kebab% = { path = \"functions/%kebab%\" }");
    plan.sorted_line("Cargo.toml", "auth = { path = ", &dependency)?;
    let router = "[workspace.metadata.lambda.watch.router]\n";
    plan.after("Cargo.toml", router, &filled("\"/v1/%kebab%/{*path}\" = \"%kebab%\"\n"))?;
    plan.sorted_line("openapi/Cargo.toml", "[dependencies]\n", &filled("%kebab%.workspace = true"))?;
    let functions = "openapi/src/functions.rs";
    plan.before(functions, "use utoipa::", &filled("use %snake%::%Pascal%State;\n"))?;
    plan.within(functions, "pub const API_FUNCTIONS", "\n];\n", &filled(ENTRY.trim_end()))?;
    plan.within("tests/api/main.rs", "\n\n", "mod ", &filled("mod %snake%;\n"))
}

/// Adds the parameter of the reserved concurrency, and its value in each environment.
fn reserve(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let head = "infra/app/head.yaml";
    let parameter = "\n  %Pascal%Concurrency:\n    Type: Number\n    Default: -1\n    MinValue: -1";
    plan.within(head, "  AuthConcurrency:\n", "\n\n", &filled(parameter))?;
    let condition = "\n  Has%Pascal%Concurrency: !Not [!Equals [!Ref %Pascal%Concurrency, -1]]";
    plan.within(head, "Conditions:\n", "\n\n", &filled(condition))?;

    let [small, production] =
        ["small", "production"].map(|name| format!("infra/environments/{name}/app.yaml"));
    let reserved = |text: String| -> u32 {
        text.lines().filter_map(|line| line.split_once("Concurrency: ")?.1.parse::<u32>().ok()).sum()
    };
    // Each instance holds a connection of its database: one more function, one more instance.
    let before = reserved(plan.text(&small)?);
    for page in ["docs/deploy.md", "docs/limits.md"] {
        plan.replace(page, &format!("`small` {before}"), &format!("`small` {}", before + 1))?;
    }
    for (environment, instances) in [("dev", "-1"), ("staging", "-1"), ("small", "1")] {
        let path = format!("infra/environments/{environment}/app.yaml");
        let value = filled(&format!("\n%Pascal%Concurrency: {instances}"));
        plan.within(&path, "\nAuthConcurrency: ", "\nSubnets: ", &value)?;
    }
    let production = production.as_str();
    let before = reserved(plan.text(production)?);
    let after = before + CONCURRENCY;
    let value = format!("\n%Pascal%Concurrency: {CONCURRENCY}");
    plan.within(production, "\nAuthConcurrency: ", "\nSubnets: ", &filled(&value))?;
    plan.replace(production, &format!(" {before} of the "), &format!(" {after} of the "))?;
    let limits = "docs/limits.md";
    let together = "for the API functions together (";
    plan.replace(limits, &format!("{before} {together}"), &format!("{after} {together}"))?;
    plan.replace(
        "docs/deploy.md",
        &format!("production {before} more"),
        &format!("production {after} more"),
    )?;
    plan.within(limits, together, ")", &filled(&format!(", `%kebab%` {CONCURRENCY}")))
}

/// Adds the function to the alarm about throttled requests.
fn watch(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    lambda::metric(plan, "ApiThrottled", &filled(THROTTLES))?;
    plan.within("docs/runbooks/api-throttled.md", "\nfor f in Auth", ";", &filled(" %Pascal%"))
}
