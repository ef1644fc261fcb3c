//! What the documents point to is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{holds, root, text};

/// How an answer in `docs/asvs.md` begins, in the order of its first table; a test begins with its own name.
const KINDS: [&str; 7] = ["`", "CI: ", "code: ", "document: ", "AWS: ", "not applicable: ", "not yet: "];
/// Requirements, and how many are answered in each way.
type Sums = [usize; 1 + KINDS.len()];

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// What is wrong with `name`, which may be a test, `path::name`, or a path; anything else is no business of ours.
fn missing(name: &str) -> Option<String> {
    let (path, test) = name.split_once("::").unwrap_or((name, ""));
    if !path.contains('/') || path.starts_with('/') || path.contains(' ') {
        return None;
    }
    let there = if test.is_empty() {
        root().join(path).exists()
    } else {
        let code = fs::read_to_string(root().join(path)).unwrap_or_default();
        code.contains(&format!("fn {test}("))
    };
    (!there).then(|| format!("{name} is not there"))
}

/// What is wrong with a document like `docs/asvs.md`.
fn unanswered(document: &str) -> Vec<String> {
    let mut problems: Vec<String> = document.split('`').skip(1).step_by(2).filter_map(missing).collect();
    let (mut ids, mut counted, mut said) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for row in document.lines().filter(|line| line.starts_with('|')).map(cells) {
        if let [id, level, requirement, answer] = row[..]
            && let Some(id) = id.strip_prefix('`').and_then(|id| id.strip_suffix('`'))
        {
            if !ids.insert(id) {
                problems.push(format!("{id} is there twice"));
            }
            let kind = KINDS.iter().position(|kind| answer.len() > kind.len() && answer.starts_with(kind));
            let (Some(kind), false, "1" | "2") = (kind, requirement.is_empty(), level) else {
                problems.push(format!("{id} is not answered"));
                continue;
            };
            for sum in [id.split('.').next().unwrap_or(id), "all"] {
                let sums: &mut Sums = counted.entry(sum).or_default();
                sums[0] += 1;
                sums[1 + kind] += 1;
            }
        } else if let [chapter, _, sums @ ..] = &row[..]
            && (chapter.starts_with('V') || *chapter == "all")
        {
            let sums: Vec<usize> = sums.iter().map(|sum| sum.parse().unwrap_or_default()).collect();
            said.insert(*chapter, Sums::try_from(sums).unwrap_or_default());
        }
    }
    if counted != said {
        problems.push(format!("the sums are {counted:?}"));
    }
    problems
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { markdown(&path) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    found
}

#[test]
fn every_asvs_requirement_is_answered_by_a_test_that_exists() {
    let document = text("docs/asvs.md");
    assert!(document.contains("| all | | 253 |"), "levels 1 and 2 of ASVS 5.0.0 ask for 253 things");
    holds(&unanswered(&document));
    for (whole, broken, about) in [
        ("| `V9.2.1` |", "| `V9.1.1` |", "V9.1.1 is there twice"),
        ("::every_forged_token", "::every_other_token", "every_other_token"),
        ("`shared/src/crypto/seal.rs`", "`shared/src/sael.rs`", "sael.rs is not there"),
        ("| not applicable: no WebRTC |", "| |", "V17.1.1 is not answered"),
        ("| V17 | WebRTC | 7 |", "| V17 | WebRTC | 8 |", "the sums"),
    ] {
        let problems = unanswered(&document.replacen(whole, broken, 1));
        assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
    }
}

#[test]
fn every_link_in_a_document_leads_to_a_file() {
    let mut documents = markdown(&root().join("docs"));
    let others = ["README.md", "infra/README.md", "migrations/README.md"];
    documents.extend(others.map(|other| root().join(other)));
    let mut problems = Vec::new();
    for document in documents {
        let page = fs::read_to_string(&document).expect("a document");
        let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.contains("://") && !link.starts_with('#')) {
            let (file, _) = link.split_once('#').unwrap_or((link, ""));
            if !document.with_file_name(file).exists() {
                problems.push(format!("{}: {link} leads nowhere", document.display()));
            }
        }
    }
    holds(&problems);
}
