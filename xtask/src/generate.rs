//! `cargo xtask generate`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use local_stack::{Credentials, Postgres, Scratch, ToolSet, ports, postgres};

use crate::{
    console, cost,
    progress::step,
    project::{self, Profile, Project, output},
};

/// Write the generated files: .sqlx, openapi.json, the console's schema.d.ts, .env.example, docs/configuration.md, template.yaml, infra/stacks and the tables of docs/cost.md
///
/// They are in git, so that a build needs no database and a review shows their changes.
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {
    /// Change no file; fail if one is not up to date
    #[arg(long)]
    pub check: bool,
}

/// Contents of files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// Generates the files, and writes or compares them.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let queries = step("SQL queries checked against the migrations", || queries(project))?;
    settle(&project.root.join(".sqlx"), ".sqlx/", &queries, arguments.check)?;

    if !arguments.check {
        // The next build does not see that query data or a migration changed.
        output(project.command("touch").arg("shared/src/lib.rs"))?;
    }

    // The next files are made by programs that need the query data.
    let mut build = project.cargo(&["build", "--workspace", "--bin", "openapi", "--bin", "settings"]);
    build.env("SQLX_OFFLINE", "true");
    step("Programs that make files built", || project.quietly("generate", &mut build))?;
    let programs = project.target(Profile::Dev)?;
    step("openapi.json and documentation of settings made", || {
        let document = output(&mut project.command(programs.join("openapi")))?;
        settle_one(project, "openapi.json", document, arguments.check)?;
        for file in [".env.example", "docs/configuration.md"] {
            let settings = output(project.command(programs.join("settings")).arg(file))?;
            settle_one(project, file, settings, arguments.check)?;
        }
        Ok(())
    })?;
    step("Types of the console made", || {
        let types = console::types(project, &project.tools(ToolSet::Node)?)?;
        settle_one(project, "web/platform/src/api/schema.d.ts", types, arguments.check)
    })?;

    step("Templates made", || {
        for stack in project.stacks()? {
            let template = output(project.command("sh").args(["infra/assemble.sh", &stack]))?;
            settle_one(project, &project::template(&stack), template, arguments.check)?;
        }
        Ok(())
    })?;
    step("Tables of docs/cost.md made", || {
        let page = fs::read_to_string(project.root.join(cost::PAGE)).context("read docs/cost.md")?;
        let page = cost::filled(&project.root, &page)?;
        settle_one(project, cost::PAGE, page.into_bytes(), arguments.check)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Lets sqlx check every query on a new database with all migrations, and returns its query data.
fn queries(project: &Project) -> Result<Files> {
    let tools = project.tools(ToolSet::Services)?;
    let scratch = Scratch::create()?;
    let settings =
        postgres::Settings { dir: scratch.path().to_owned(), port: ports::free()?, durable: false };
    let credentials = Credentials::load_or_create(scratch.path())?;
    let server = Postgres::start(&tools, settings, &credentials, &project.interrupt)?;
    server.apply(postgres::DATABASE, &project.root.join("migrations"))?;

    let data = scratch.path().join("sqlx");
    fs::create_dir(&data).context("create a folder for query data")?;
    // The macros check queries only when `shared` is compiled: it is compiled again for each new folder of query data.
    // `settings` needs nothing else. With `--package`, cargo would compile libraries again, with other features.
    let mut check = project.cargo(&["check", "--workspace", "--bin", "settings"]);
    check
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &data)
        .env("DATABASE_URL", server.url(postgres::DATABASE));
    project.quietly("generate", &mut check)?;
    let files = read(&data)?;
    ensure!(!files.is_empty(), "no query was checked, because cargo did not compile `shared`");
    Ok(files)
}

fn read(folder: &Path) -> Result<Files> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Files::new()) };
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            Ok((name, content))
        })
        .collect()
}

/// Writes the file `name`, or, with `check`, fails if it differs from `content`.
fn settle_one(project: &Project, name: &str, content: Vec<u8>, check: bool) -> Result<()> {
    let path = project.root.join(name);
    if fs::read(&path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    if check {
        bail!("{name} is not up to date. Run: cargo xtask generate");
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    fs::write(&path, content).with_context(|| format!("write {name}"))
}

/// Makes `files` the only files in `folder`, or, with `check`, fails if they are not. Errors call the folder `shown`.
fn settle(folder: &Path, shown: &str, files: &Files, check: bool) -> Result<()> {
    let present = read(folder)?;
    if present == *files {
        return Ok(());
    }
    if check {
        let names = present.keys().chain(files.keys());
        let stale = names.into_iter().find(|name| present.get(*name) != files.get(*name));
        let stale = stale.map_or("", String::as_str);
        bail!("{shown}{stale} is not up to date. Run: cargo xtask generate");
    }
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    for name in present.keys().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(folder.join(name)).with_context(|| format!("remove {name}"))?;
    }
    for (name, content) in files {
        fs::write(folder.join(name), content).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}
