//! The conditions and checks that are taken away, one at a time.

use std::{collections::HashSet, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    exclusions::{CHECKED_AGAIN, EXCLUSIONS},
    predicates::{predicates, without},
    proxy::Rewrite,
    recording::{Kinds, Recording},
};
use crate::project::Project;

/// One thing that is taken away.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What it is, in one line.
    pub name: String,
    pub change: Change,
}

#[derive(Debug, Clone)]
pub enum Change {
    /// A statement loses a condition.
    Statement(Rewrite),
    /// An operation loses a check: `<check> <METHOD> <path>`.
    Check(String),
}

impl Mutant {
    /// Returns the operation that loses a check.
    pub fn operation(&self) -> Option<&str> {
        match &self.change {
            Change::Check(taken) => taken.split_once(' ').map(|(_, operation)| operation),
            Change::Statement(_) => None,
        }
    }
}

impl Mutant {
    /// Returns the suite that calls the operation without the right that the check is about.
    pub fn suite(&self) -> Option<&'static str> {
        let Change::Check(taken) = &self.change else { return None };
        Some(match taken.split(' ').next() {
            Some("anonymous" | "session" | "optional") => "credentials::",
            Some("fresh") => "fresh::",
            _ => "matrix::",
        })
    }
}

/// Returns every condition about owners of every statement in `.sqlx`, and of those that functions build (the export and the erasure
/// of a user), without the exclusions.
pub fn of_statements(project: &Project, recording: &Recording) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    let mut used = vec![false; EXCLUSIONS.len()];
    let mut all = statements(project)?;
    let checked: HashSet<_> = all.iter().map(|statement| statement.sql.clone()).collect();
    let built = recording.product.iter().filter(|sql| !checked.contains(*sql));
    all.extend(built.map(|sql| Statement { name: "built".to_owned(), sql: sql.clone(), types: Vec::new() }));
    for Statement { name, sql, types } in &all {
        let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        for (number, predicate) in predicates(sql).iter().enumerate() {
            let excluded = EXCLUSIONS.iter().position(|one| {
                line.contains(one.statement)
                    && predicate.text == one.predicate
                    && one.number.is_none_or(|only| only == number)
            });
            if let Some(index) = excluded {
                used[index] = true;
                continue;
            }
            let name = format!("{name}.{number} `{}` in {}", predicate.text, short(&line));
            let to = without(sql, predicate, types);
            mutants.push(Mutant { name, change: Change::Statement(Rewrite { from: sql.clone(), to }) });
        }
    }
    ensure!(mutants.len() > 100, "only {} conditions found in .sqlx; the scanner is broken", mutants.len());
    for (exclusion, used) in EXCLUSIONS.iter().zip(used) {
        ensure!(
            used,
            "no statement has the excluded condition `{}` any more; remove it from exclusions.rs",
            exclusion.predicate
        );
    }
    Ok(mutants)
}

struct Statement {
    /// The first digits of its hash.
    name: String,
    sql: String,
    /// Of its parameters.
    types: Vec<String>,
}

/// Returns the statements in `.sqlx`, in the order of their hashes.
fn statements(project: &Project) -> Result<Vec<Statement>> {
    let folder = project.root.join(".sqlx");
    let mut statements: Vec<Statement> = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry.context("read .sqlx")?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let query: Value = serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        let hash =
            query["hash"].as_str().and_then(|hash| hash.get(..8)).context("a file of .sqlx has no hash")?;
        let sql = query["query"].as_str().context("a file of .sqlx has no query")?;
        let types = query["describe"]["parameters"]["Left"].as_array().into_iter().flatten();
        let types = types.map(|name| name.as_str().unwrap_or("Text").to_owned()).collect();
        statements.push(Statement { name: hash.to_owned(), sql: sql.to_owned(), types });
    }
    statements.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(statements)
}

/// Leaves out the columns of a result, which say little about a statement.
fn short(line: &str) -> String {
    let line = line.trim().split_once(" RETURNING ").map_or(line.trim(), |(line, _)| line);
    match line.split_once(" FROM ") {
        Some((columns, rest)) if line.starts_with("SELECT") && columns.len() > 60 => {
            format!("SELECT … FROM {rest}")
        }
        _ => line.to_owned(),
    }
}

/// Returns every check of every operation that a test reached. Fails if an operation that needs a credential was not reached.
pub fn of_operations(project: &Project, recording: &Recording) -> Result<Vec<Mutant>> {
    let document = fs::read_to_string(project.root.join("openapi.json")).context("read openapi.json")?;
    let document: Value = serde_json::from_str(&document).context("read openapi.json")?;
    let mut unreached: Vec<_> = guarded(&document);
    unreached.retain(|operation| !recording.operations.contains_key(operation));
    ensure!(unreached.is_empty(), "no test reaches the extractors of {}", unreached.join(", "));
    for operation in CHECKED_AGAIN {
        ensure!(
            recording.operations.contains_key(*operation),
            "no operation {operation}; remove it from exclusions.rs"
        );
    }
    let mutants = recording.operations.iter().flat_map(|(operation, kinds)| {
        let is_again = CHECKED_AGAIN.contains(&operation.as_str());
        let mut checks = checks(kinds);
        checks.retain(|check| !is_again || !["anonymous", "session"].contains(check));
        checks.into_iter().map(move |check| {
            let taken = format!("{check} {operation}");
            Mutant { name: taken.clone(), change: Change::Check(taken) }
        })
    });
    Ok(mutants.collect())
}

/// Returns the operations that need a credential.
fn guarded(document: &Value) -> Vec<String> {
    let mut guarded = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let ways = operation["security"].as_array();
            if ways
                .is_some_and(|ways| ways.iter().any(|way| way.as_object().is_some_and(|way| !way.is_empty())))
            {
                guarded.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    guarded
}

/// Returns the checks of an operation with extractors of these kinds.
fn checks(kinds: &Kinds) -> Vec<&'static str> {
    let has = |kind: &str| kinds.contains_key(kind);
    let mut checks = Vec::new();
    if has("caller") {
        checks.extend(["anonymous", "session"]);
    }
    if has("member") {
        checks.extend(["membership", "key", "scope"]);
    }
    checks.extend(["role", "administrator", "fresh", "optional"].into_iter().filter(|kind| has(kind)));
    checks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_that_needs_a_credential_is_guarded() {
        let document = json!({ "paths": {
            "/a": { "get": { "security": [{ "bearer": [] }] }, "post": { "security": [] } },
            "/b": { "get": {}, "put": { "security": [{}] }, "delete": { "security": [{}, { "apiKey": [] }] } }
        } });
        assert_eq!(guarded(&document), ["GET /a", "DELETE /b"]);
    }

    #[test]
    fn a_check_is_taken_away_where_its_extractor_is() {
        let kinds =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect::<Kinds>();
        assert_eq!(checks(&kinds(&["caller", "fresh"])), ["anonymous", "session", "fresh"]);
        assert_eq!(
            checks(&kinds(&["caller", "member", "role"])),
            ["anonymous", "session", "membership", "key", "scope", "role"]
        );
    }
}
