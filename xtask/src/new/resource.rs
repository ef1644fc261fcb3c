//! `cargo xtask new resource`

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    Options, changelog,
    edit::Plan,
    names::{Name, fill},
};
use crate::project::{self, Project};

/// Create a resource of an organization: table, store, five operations, permissions, audit actions, tests
///
/// The resource has a name and a creator. Add columns afterwards: the tests say what else they need.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask new resource note
  cargo xtask new resource line-item --generate
  cargo xtask new resource person --plural people --dry-run")]
pub struct Arguments {
    /// Its name: one thing, in lower case with hyphens
    name: String,
    /// The name of several, if it is not the name with `s`, `es` or `ies`
    #[arg(long)]
    plural: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

/// Types that the templates use.
const TAKEN_TYPES: &[&str] = &[
    "Action", "ApiError", "Body", "Create", "Created", "Data", "Json", "List", "Member", "Name", "Option",
    "Page", "Patch", "Path", "Position", "Response", "Result", "Routes", "State", "String", "Tx", "Vec",
];
/// Words of SQL that cannot be the name of a table.
const TAKEN_TABLES: &[&str] = &["analyses", "references", "selects"];

const MIGRATION: &str = include_str!("../../templates/resource/migration.sql");
const REGISTER: &str = include_str!("../../templates/resource/register.rs");
/// Files of the resource and their templates.
const FILES: [(&str, &str); 8] = [
    ("shared/src/store/%snakes%.rs", include_str!("../../templates/resource/store.rs")),
    ("functions/organizations/src/%snakes%/mod.rs", include_str!("../../templates/resource/mod.rs")),
    ("functions/organizations/src/%snakes%/list.rs", include_str!("../../templates/resource/list.rs")),
    ("functions/organizations/src/%snakes%/create.rs", include_str!("../../templates/resource/create.rs")),
    ("functions/organizations/src/%snakes%/show.rs", include_str!("../../templates/resource/show.rs")),
    ("functions/organizations/src/%snakes%/update.rs", include_str!("../../templates/resource/update.rs")),
    ("functions/organizations/src/%snakes%/delete.rs", include_str!("../../templates/resource/delete.rs")),
    ("tests/api/organizations/%snakes%.rs", include_str!("../../templates/resource/test.rs")),
];
/// Round trips to Redis and PostgreSQL of each operation.
const ROUND_TRIPS: [(&str, &str); 5] = [
    ("create_%snake%", "1 | 5"),
    ("delete_%snake%", "1 | 6"),
    ("list_%snakes%", "1 | 2"),
    ("show_%snake%", "1 | 2"),
    ("update_%snake%", "1 | 6"),
];

/// Plans all files of the resource. Returns what to do next.
pub fn plan(project: &Project, plan: &mut Plan<'_>, arguments: &Arguments) -> Result<String> {
    let one = Name::parse(&arguments.name)?;
    let many = match &arguments.plural {
        Some(plural) => Name::parse(plural)?,
        None => one.plural(),
    };
    refuse_taken(&project.root, &one, &many)?;
    let filled = |template: &str| fill(template, &one, &many);

    let version = next_version(project)?;
    plan.create(&format!("migrations/{version}_{}.sql", many.snake()), filled(MIGRATION))?;
    for (path, template) in FILES {
        plan.create(&filled(path), filled(template))?;
    }
    register(plan, &filled)?;
    permit(plan, &filled)?;
    route(plan, &filled)?;
    put_into_words(plan, &filled)?;
    document(plan, &filled)?;
    Ok(filled(
        "  1. cargo xtask generate           (queries and openapi.json)
  2. cargo xtask test %snakes%
  3. add the columns and rules of the resource, with a test for each; then repeat 1 and cargo xtask test\n",
    ))
}

/// Refuses a name that something else has.
fn refuse_taken(root: &Path, one: &Name, many: &Name) -> Result<()> {
    ensure!(one != many, "the plural must differ from the name: pass --plural");
    ensure!(
        !TAKEN_TYPES.contains(&one.pascal().as_str()),
        "`{}` is a type of the API: choose another name",
        one.pascal()
    );
    let snake = many.snake();
    ensure!(!TAKEN_TABLES.contains(&snake.as_str()), "`{snake}` is a word of SQL: choose another name");
    for taken in [
        format!("shared/src/store/{snake}"),
        format!("shared/src/store/{snake}.rs"),
        format!("functions/organizations/src/{snake}"),
        format!("functions/organizations/src/{snake}.rs"),
    ] {
        ensure!(!root.join(&taken).exists(), "{taken} exists already: choose another name");
    }
    let document = fs::read_to_string(root.join("openapi.json")).context("read openapi.json")?;
    let document: Value = serde_json::from_str(&document).context("read openapi.json")?;
    for schema in [one.pascal(), format!("New{}", one.pascal()), format!("{}Changes", one.pascal())] {
        ensure!(
            document["components"]["schemas"].get(&schema).is_none(),
            "openapi.json has a schema {schema} already"
        );
    }
    Ok(())
}

/// Returns the version of a new migration: now, and later than all others.
fn next_version(project: &Project) -> Result<u64> {
    let now = project::output(project.command("date").args(["-u", "+%Y%m%d%H%M%S"]))?;
    let now: u64 = String::from_utf8_lossy(&now).trim().parse().context("read the output of `date`")?;
    let entries = fs::read_dir(project.root.join("migrations")).context("read migrations")?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let versions = names.filter_map(|name| name.split('_').next()?.parse::<u64>().ok());
    let Some(last) = versions.max() else { bail!("no file in migrations has a version") };
    Ok(now.max(last + 1))
}

/// Adds the id, the store and the register of personal data.
fn register(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let id = filled("id!(\n    /// %A words% of an organization.\n    %Pascal%Id\n);\n");
    plan.append("shared/src/domain/ids.rs", &id)?;
    plan.before("shared/src/store/mod.rs", "pub mod ", &filled("pub mod %snakes%;\n"))?;
    let register = "shared/src/domain/personal_data/register.rs";
    plan.before(register, "    Table {\n        name: \"audit_events\",", &filled(REGISTER))
}

/// Adds the permissions, their scopes, and the audit actions.
fn permit(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let permission = "shared/src/domain/permission.rs";
    let scopes = "        /// Read the %many words%.
        %Pascals%Read = \"%kebabs%:read\",
        /// Create, change and delete %many words%.
        %Pascals%Write = \"%kebabs%:write\",\n";
    plan.within(permission, "    Scope {\n", "    }\n);", &filled(scopes))?;
    let permissions = "
    /// Read the %many words%.
    Read%Pascals%: Member, Some(Scope::%Pascals%Read);
    /// Create, change and delete %many words%.
    Manage%Pascals%: Admin, Some(Scope::%Pascals%Write);";
    plan.within(permission, "\npermissions!(\n", "\n);\n", &filled(permissions))?;
    let actions = "        /// %A words% was created.
        %Pascal%Created = \"%snake%.created\",
        /// %A words% was changed.
        %Pascal%Updated = \"%snake%.updated\",
        /// %A words% was deleted.
        %Pascal%Deleted = \"%snake%.deleted\",\n";
    plan.within("shared/src/domain/audit.rs", "    Action {\n", "    }\n);", &filled(actions))
}

/// Adds the routes, the refusal and what the tests of all routes need.
fn route(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    // Names are texts, which the managed rules about bodies must not block.
    plan.within(
        "infra/edge/web-acl.yaml",
        "/v1/organizations/[0-9a-f-]{36}/((",
        ")(/[0-9a-f-]{36})?|",
        &filled("|%kebabs%"),
    )?;
    let routes = "functions/organizations/src/lib.rs";
    plan.before(routes, "mod ", &filled("mod %snakes%;\n"))?;
    let add = filled("    let routes = %snakes%::add_routes(routes);\n");
    plan.before(routes, "    api_keys::add_routes(routes)\n", &add)?;
    let refusal = "pub const NO_SUCH_%SCREAM%: Refusal =
    Refusal::not_found(\"%kebab%-not-found\", \"The organization has no such %words%.\");\n";
    plan.append("functions/organizations/src/refusals.rs", &filled(refusal))?;
    plan.before("tests/api/organizations/mod.rs", "mod ", &filled("mod %snakes%;\n"))?;
    let readable = filled("\n    \"list_%snakes%\",\n    \"show_%snake%\",");
    plan.within("tests/api/matrix.rs", "const OF_MEMBERS: &[&str] = &[", "\n];", &readable)
}

/// Adds what the console says about the audit actions and the scopes.
fn put_into_words(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let actions = "    \"%snake%.created\": { done: \"%A words% was created\" },
    \"%snake%.updated\": { done: \"%A words% was changed\" },
    \"%snake%.deleted\": { done: \"%A words% was deleted\" },\n";
    plan.within("web/platform/src/texts/en/audit.ts", "const work: ", "};\n", &filled(actions))?;
    let scopes = "    \"%kebabs%:read\": \"Read the %many words%\",
    \"%kebabs%:write\": \"Create, change and delete %many words%\",\n";
    plan.within("web/platform/src/texts/en/access.ts", "const scopes: ", "};\n", &filled(scopes))
}

/// Adds the rows of the tables in the documents, and a line for clients.
fn document(plan: &mut Plan<'_>, filled: &impl Fn(&str) -> String) -> Result<()> {
    let security = "docs/security.md";
    let header = "| permission | role | scope |";
    plan.last_row(security, header, &filled("| `Read%Pascals%` | `member` | `%kebabs%:read` |"))?;
    plan.last_row(security, header, &filled("| `Manage%Pascals%` | `admin` | `%kebabs%:write` |"))?;
    let header = "| operations below `/v1/organizations/{organizationId}` | permission |";
    plan.last_row(
        security,
        header,
        &filled("| `GET %kebabs%`, `GET %kebabs%/{%camel%Id}` | `Read%Pascals%` |"),
    )?;
    let changes = "| `POST %kebabs%`, `PATCH` and `DELETE %kebabs%/{%camel%Id}` | `Manage%Pascals%` |";
    plan.last_row(security, header, &filled(changes))?;
    for (action, changes) in [("created", ""), ("updated", "names "), ("deleted", "")] {
        let row = filled(&format!("| `%snake%.{action}` | %a words% is {action} | {changes}|"));
        plan.last_row("docs/audit-log.md", "| action | recorded when | `changes` |", &row)?;
    }
    let kept = "| `%snakes%` | %many words% that the user created, and those of the user's personal organization | as long as the \
        organization | overwrites the creator; in the personal organization also the name |";
    plan.last_row("docs/personal-data.md", "| table | a user's rows | retention | erasure |", &filled(kept))?;
    for (operation, trips) in ROUND_TRIPS {
        let row = format!("| {} | {trips} |", filled(operation));
        plan.sorted_row("docs/round-trips.md", "| operation | Redis | PostgreSQL |", &row)?;
    }
    // The export and the erasure of a user have one more statement.
    for operation in ["create_my_export", "erase_user", "export_me", "export_user"] {
        count_statement(plan, operation)?;
    }
    let line = "- `POST` and `GET /v1/organizations/{organizationId}/%kebabs%`, `GET`, `PATCH` and `DELETE` of \
        `…/%kebabs%/{%camel%Id}`: the\n  %many words% of an organization. API keys need the scope `%kebabs%:read` or \
        `%kebabs%:write`.\n";
    changelog(plan, &filled(line))
}

/// Adds the round trip of one statement to the row of `operation`.
fn count_statement(plan: &mut Plan<'_>, operation: &str) -> Result<()> {
    const PATH: &str = "docs/round-trips.md";
    let begin = format!("| {operation} | ");
    let text = plan.text(PATH)?;
    let row = text.lines().find(|line| line.starts_with(&begin));
    let counted = row.and_then(|row| {
        let (others, trips) = row.strip_suffix(" |")?.rsplit_once(' ')?;
        Some((row, format!("{others} {} |", trips.parse::<u32>().ok()? + 1)))
    });
    let (row, more) = counted.with_context(|| format!("{PATH} has no row for {operation}"))?;
    plan.replace(PATH, row, &more)
}
