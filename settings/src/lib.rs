//! `.env.example` and the tables of `docs/configuration.md`, from the declarations in `shared/src/config`.

mod required;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use shared::config::{Declared, Section, sections};

/// An environment with every variable, in the checkout.
pub const ENV_EXAMPLE: &str = ".env.example";
/// The page about settings, in the checkout.
pub const CONFIGURATION: &str = "docs/configuration.md";

/// The beginning of `.env.example`.
const HEAD: &str = "\
# Every variable that the functions read, generated from shared/src/config by `cargo xtask generate`. More: docs/configuration.md
# A variable that is commented out has no default. One with the ARN of a secret is a secret: with NODE_ENV staging or
# production it must be a reference, <ARN>:<json-key>:<version-stage>:<version-id> as Amazon ECS writes it. A URL with separate credentials is a value.
# `cargo xtask dev` needs none of them and sets some itself. To give it the others: set -a; . ./.env; set +a
";

/// Longest line of a comment in `.env.example`.
const WIDTH: usize = 120;

/// The columns of a table. A column that is empty in every row is left out.
const COLUMNS: [&str; 6] = ["variable", "meaning", "default", "allowed", "used by", "secret"];

/// The top folder of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns `.env.example`.
#[must_use]
pub fn env_example() -> String {
    let mut file = HEAD.to_owned();
    for section in sections() {
        _ = writeln!(file, "\n## {}", section.about);
        for setting in section.settings {
            let value = setting.default.as_ref().unwrap_or(&setting.example);
            // Without a default or an example, only Lambda sets it.
            if !value.is_empty() {
                comment(&mut file, &setting.meaning);
                let mark = if setting.default.is_some() { "" } else { "# " };
                _ = writeln!(file, "{mark}{}={}", setting.name, quoted(value));
            }
        }
    }
    file
}

/// Returns `docs/configuration.md` with its tables written again. Each stands between two comments that name its section.
pub fn configuration() -> Result<String> {
    let page = fs::read_to_string(root().join(CONFIGURATION)).context("read docs/configuration.md")?;
    let required = required::by_variable(&root().join("functions"))?;
    let sections = sections();
    let declared = |name| sections.iter().flat_map(|section| &section.settings).any(|one| one.name == name);
    if let Some(unknown) = required.keys().find(|name| !declared(name.as_str())) {
        bail!("a function requires {unknown}, which no section in shared/src/config declares");
    }
    sections.iter().try_fold(page, |page, section| {
        let (begin, end) = (format!("<!-- settings: {} -->\n", section.name), "<!-- end -->");
        let (before, rest) =
            page.split_once(&begin).with_context(|| format!("{CONFIGURATION} has no line {begin}"))?;
        let (_, after) =
            rest.split_once(end).with_context(|| format!("{CONFIGURATION}: {begin} has no {end}"))?;
        ensure!(!after.contains(&begin), "{CONFIGURATION} has the line {begin} twice");
        Ok(format!("{before}{begin}\n{}\n{end}{after}", table(section, &required)))
    })
}

/// A table with a row for each variable. `required` has the functions that need it.
fn table(section: &Section, required: &BTreeMap<String, Vec<String>>) -> String {
    let row = |setting: &Declared| {
        let needed = required.get(&setting.name).into_iter().flatten().map(|name| format!("**{name}**"));
        let used = Some(setting.used_by.clone()).filter(|used| !used.is_empty());
        let default = setting.default.as_ref().map(|default| format!("`{default}`"));
        [
            format!("`{}`", setting.name),
            setting.meaning.clone(),
            default.unwrap_or_default(),
            setting.allowed.clone(),
            needed.chain(used).collect::<Vec<_>>().join(", "),
            if setting.secret { "yes".to_owned() } else { String::new() },
        ]
    };
    let rows: Vec<_> = section.settings.iter().map(row).collect();
    let line = |cells: &[String; 6]| {
        let shown = (0..COLUMNS.len()).filter(|column| rows.iter().any(|row| !row[*column].is_empty()));
        format!("| {} |\n", shown.map(|column| cells[column].as_str()).collect::<Vec<_>>().join(" | "))
    };
    let head = line(&COLUMNS.map(str::to_owned)) + &line(&COLUMNS.map(|_| "---".to_owned()));
    head + &rows.iter().map(line).collect::<String>()
}

/// Appends `text` as a comment.
fn comment(file: &mut String, text: &str) {
    let mut width = WIDTH;
    for word in text.split(' ') {
        if width + 1 + word.len() > WIDTH {
            file.push_str(if width == WIDTH { "#" } else { "\n#" });
            width = 1;
        }
        _ = write!(file, " {word}");
        width += 1 + word.len();
    }
    file.push('\n');
}

/// `value` as a shell reads it.
fn quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.,:/@".contains(character);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}
