//! `cargo xtask new job`

use anyhow::{Context, Result};

use super::{Options, edit::Plan, lambda, names::fill};
use crate::project::Project;

/// Create a job: a function with a schedule, its infrastructure, alarms, runbook and test
///
/// The job connects to the database as the API does, and does nothing else yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask new job tidy
  cargo xtask new job send-digests --generate")]
pub struct Arguments {
    /// Its name, in lower case with hyphens: the name of its folder, its program and its page section
    name: String,
    #[command(flatten)]
    pub options: Options,
}

/// Files of the job and their templates.
const FILES: [(&str, &str); 5] = [
    ("functions/%kebab%/Cargo.toml", include_str!("../../templates/job/Cargo.toml")),
    ("functions/%kebab%/src/lib.rs", include_str!("../../templates/job/lib.rs")),
    ("functions/%kebab%/src/main.rs", include_str!("../../templates/job/main.rs")),
    ("infra/app/functions/%kebab%.yaml", include_str!("../../templates/job/fragment.yaml")),
    ("tests/jobs/%snake%.rs", include_str!("../../templates/job/test.rs")),
];
const SECTION: &str = include_str!("../../templates/job/rollback.md");

/// Plans all files of the job. Returns what to do next.
pub fn plan(project: &Project, plan: &mut Plan<'_>, arguments: &Arguments) -> Result<String> {
    let name = lambda::name(project, &arguments.name)?;
    let filled = |template: &str| fill(template, &name, &name);
    for (path, template) in FILES {
        plan.create(&filled(path), filled(template))?;
    }
    plan.within("tests/jobs/main.rs", "\n\n", "mod ", &filled("mod %snake%;\n"))?;
    let row = "1 | one run; the next run does the rest | the new version of `%kebab%` | `error` of the line `job failed`";
    lambda::rollback(plan, &name, &filled(row), &filled(SECTION))?;
    reserve(plan)?;
    lambda::observe(plan, &name)?;
    lambda::metric(plan, lambda::JOB_SECRETS_ALARM, &filled(lambda::SECRET_AGE))?;
    let content = filled("| `%kebab%` | none | runs every day |");
    plan.last_row("docs/architecture.md", "| function | routes | content |", &content)?;
    let schedule = "    schedule([schedules]) --> retention & backup & drill & points\n";
    lambda::diagram(plan, &name, schedule, &filled("    schedule --> %kebab%\n"), "proxy & secrets")?;
    Ok(filled(
        "  1. cargo xtask generate           (template.yaml and docs/configuration.md)
  2. cargo xtask test %snake%
  3. write the work in functions/%kebab%/src/lib.rs, and say what it does in docs/architecture.md and docs/runbooks/rollback.md
  4. set schedule, timeout and memory in infra/app/functions/%kebab%.yaml\n",
    ))
}

/// Counts the reserved execution of the job in the page about the first deployment.
fn reserve(plan: &mut Plan<'_>) -> Result<()> {
    const PAGE: &str = "docs/deploy.md";
    const AROUND: (&str, &str) = ("Every environment reserves ", " for its jobs");
    let text = plan.text(PAGE)?;
    let count = text.split(AROUND.0).nth(1).and_then(|rest| rest.split(AROUND.1).next());
    let count: u32 =
        count.and_then(|count| count.parse().ok()).with_context(|| format!("{PAGE} has no count"))?;
    let sentence = |count| format!("{}{count}{}", AROUND.0, AROUND.1);
    plan.replace(PAGE, &sentence(count), &sentence(count + 1))
}
