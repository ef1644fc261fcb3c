//! Documents: links resolve, and repeated facts agree with the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{assert_no_problems, file_of, names, root, rules, stacks, template::Template, text};

/// How an answer in `docs/asvs.md` begins, in the order of its first table. A test begins with its path.
const KINDS: [&str; 7] = ["`", "CI: ", "code: ", "document: ", "AWS: ", "not applicable: ", "not yet: "];
const RUNBOOKS: &str = "docs/runbooks";
/// The number of requirements, and of the answers of each kind.
type Sums = [usize; 1 + KINDS.len()];

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// Returns a problem if `name` is a test (`path::name`) or a path, and does not exist. Ignores everything else.
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
    (!there).then(|| format!("{name} does not exist"))
}

/// Returns the problems of a document in the form of `docs/asvs.md`.
fn unanswered(document: &str) -> Vec<String> {
    let mut problems: Vec<String> = document.split('`').skip(1).step_by(2).filter_map(missing).collect();
    let (mut ids, mut counted, mut said) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for row in document.lines().filter(|line| line.starts_with('|')).map(cells) {
        if let [id, level, requirement, answer] = row[..]
            && let Some(id) = id.strip_prefix('`').and_then(|id| id.strip_suffix('`'))
        {
            if !ids.insert(id) {
                problems.push(format!("{id} occurs twice"));
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

/// Returns the files in `folder` and below with this `extension`.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|own| own == extension));
    found
}

#[test]
fn every_asvs_requirement_has_an_answer_that_exists() {
    let document = text("docs/asvs.md");
    assert!(document.contains("| all | | 253 |"), "levels 1 and 2 of ASVS 5.0.0 have 253 requirements");
    assert_no_problems(&unanswered(&document));
    for (whole, broken, about) in [
        ("| `V9.2.1` |", "| `V9.1.1` |", "V9.1.1 occurs twice"),
        ("::every_forged_token", "::every_other_token", "every_other_token"),
        ("`shared/src/crypto/seal.rs`", "`shared/src/sael.rs`", "sael.rs does not exist"),
        ("| not applicable: no WebRTC |", "| |", "V17.1.1 is not answered"),
        ("| V17 | WebRTC | 7 |", "| V17 | WebRTC | 8 |", "the sums"),
    ] {
        let problems = unanswered(&document.replacen(whole, broken, 1));
        assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
    }
}

#[test]
fn every_link_in_a_document_resolves() {
    let mut documents = files(&root().join("docs"), "md");
    let others = [
        "README.md",
        "infra/README.md",
        "infra/edge/README.md",
        "migrations/README.md",
        "web/platform/README.md",
    ];
    documents.extend(others.map(|other| root().join(other)));
    let mut problems = Vec::new();
    for document in documents {
        let page = fs::read_to_string(&document).expect("a document");
        for link in links(&page) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { document.with_file_name(file) };
            let is_there = target.exists()
                && (anchor.is_empty()
                    || fs::read_to_string(&target).is_ok_and(|page| anchors(&page).contains(anchor)));
            if !is_there {
                problems.push(format!("{}: {link} does not resolve", document.display()));
            }
        }
    }
    assert_no_problems(&problems);
    let headings = anchors("# A `b`, c\n```sh\n# no heading\n```\n## `<D>E` f-g\n");
    assert_eq!(headings, BTreeSet::from(["a-b-c".to_owned(), "de-f-g".to_owned()]));
}

/// Returns the anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Returns the anchors of a page. A `#` in a code block is not a heading.
fn anchors(page: &str) -> BTreeSet<String> {
    let text = page.split("```").step_by(2);
    let headings = text.flat_map(str::lines).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// Returns the links of a page, except links to other sites.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let links = page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    links.filter(|link| !link.contains("://"))
}

/// Returns the files in `docs/runbooks`, and their sections as `<file>#<anchor>`.
pub fn runbooks() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names(RUNBOOKS) {
        let file = format!("{name}.md");
        found.extend(
            anchors(&text(&format!("{RUNBOOKS}/{file}"))).iter().map(|anchor| format!("{file}#{anchor}")),
        );
        found.insert(file);
    }
    found
}

/// In the index of the runbooks: the name of any function, as in the ids of its resources.
const FUNCTION: &str = "<Function>";

/// Whether the first cell of a row of the index means the alarm `id`.
fn is_row_of(cell: &str, id: &str) -> bool {
    let name = cell.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    name.is_some_and(|name| match name.strip_prefix(FUNCTION) {
        Some(kind) => names("functions").iter().any(|function| id == rules::id_of(function) + kind),
        None => name == id,
    })
}

/// Compares the index of the runbooks with `alarms`, the runbook of each by its id, and with the pages in `docs/runbooks`.
fn wrong_in_index(index: &str, alarms: &BTreeMap<String, String>) -> Vec<String> {
    let (mut problems, mut indexed) = (Vec::new(), BTreeSet::new());
    for row in index.lines().filter(|line| line.starts_with('|')).map(cells) {
        let [alarm, severity, runbook] = row[..] else { continue };
        let Some(link) = links(runbook).next() else { continue };
        let file = link.split('#').next().unwrap_or(link);
        indexed.insert(file.to_owned());
        let page = fs::read_to_string(root().join(RUNBOOKS).join(file)).unwrap_or_default();
        let says = page.lines().find_map(|line| line.strip_prefix("Severity: ")).unwrap_or_default();
        if !says.contains(severity) {
            problems.push(format!("{alarm}: {file} has another severity than {severity}"));
        }
        let id = alarm.strip_prefix('`').and_then(|id| id.strip_suffix('`'));
        if let Some(id) = id
            && !id.starts_with(FUNCTION)
            && alarms.get(id).is_none_or(|named| named != link)
        {
            problems.push(format!("{id}: no alarm that names {link}"));
        }
        let of_functions = alarms.iter().filter(|(id, _)| alarm.contains(FUNCTION) && is_row_of(alarm, id));
        let elsewhere = of_functions.filter(|(_, named)| named.split('#').next() != Some(link));
        problems.extend(elsewhere.map(|(id, named)| format!("{id} names {named}, not {link}")));
    }
    let rows = |id: &str| {
        let rows = index.lines().filter(|line| line.starts_with('|')).map(cells);
        rows.filter(|row| is_row_of(row[0], id)).count()
    };
    let alarms = alarms.keys().filter(|id| rows(id) != 1);
    problems.extend(alarms.map(|id| format!("{id}: {} rows", rows(id))));
    let unreached = names(RUNBOOKS).into_iter().map(|name| format!("{name}.md"));
    let unreached = unreached.filter(|file| file != "README.md" && !indexed.contains(file));
    problems.extend(unreached.map(|file| format!("{file}: no row links to it")));
    problems
}

#[test]
fn every_alarm_is_in_the_index_of_runbooks_once() {
    let mut alarms = BTreeMap::new();
    for stack in stacks() {
        let template = Template::read(&text(&file_of(&stack)));
        for (id, alarm) in rules::alarms(&template) {
            alarms.insert(id.to_owned(), rules::runbook(alarm).unwrap_or_default().to_owned());
        }
    }
    assert!(alarms.len() > 20, "{alarms:?}");
    let index = text(&format!("{RUNBOOKS}/README.md"));
    assert_no_problems(&wrong_in_index(&index, &alarms));
    let row = "| `ApiSlow` | medium | [api-slow.md](api-slow.md) |\n";
    for (broken, about) in [
        ("", "ApiSlow: 0 rows"),
        (&*row.repeat(2), "ApiSlow: 2 rows"),
        ("", "api-slow.md: no row links to it"),
        (&row.replace("medium", "high"), "`ApiSlow`: api-slow.md has another severity than high"),
        (&row.replace("(api-slow", "(api-throttled"), "ApiSlow: no alarm that names api-throttled.md"),
        (&row.replace("ApiSlow", "ApiSlower"), "ApiSlower: no alarm that names api-slow.md"),
        (&row.replace("ApiSlow", "<Function>Rollback"), "AuthRollback: 2 rows"),
        (
            &row.replace("ApiSlow", "<Function>Rollback"),
            "AuthRollback names rollback.md#auth, not api-slow.md",
        ),
    ] {
        let problems = wrong_in_index(&index.replacen(row, broken, 1), &alarms);
        assert!(problems.iter().any(|problem| problem == about), "{about} is not in {problems:?}");
    }
}

/// Returns the texts in the first column of the tables that begin with `Log text` or `Error`, split at each `…`. The code writes these.
fn quoted(page: &str) -> BTreeSet<&str> {
    let (mut quoted, mut is_quoting) = (BTreeSet::new(), false);
    for line in page.lines() {
        is_quoting = line.starts_with("| Log text |")
            || line.starts_with("| Error |")
            || (is_quoting && line.starts_with('|'));
        let first = line.split(" | ").next().unwrap_or_default();
        let spans = first.split('`').skip(1).step_by(2).filter(|_| is_quoting);
        quoted.extend(spans.flat_map(|span| span.split('…')).map(str::trim).filter(|part| !part.is_empty()));
    }
    quoted
}

/// Returns the code in `folder` without comments. Joins strings that are broken over several lines.
fn code(folder: &Path) -> String {
    let mut all = String::new();
    for file in files(folder, "rs") {
        let text = fs::read_to_string(file).expect("a source file");
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            all.push_str(line.strip_suffix('\\').unwrap_or(line));
        }
        all.push('\n');
    }
    all
}

#[test]
fn every_quoted_text_is_in_the_code() {
    let folders = ["functions", "local-stack", "shared", "tests/harness", "xtask"];
    let code: String = folders.iter().map(|folder| code(&root().join(folder))).collect();
    let mut pages = files(&root().join(RUNBOOKS), "md");
    pages.push(root().join("docs/faq.md"));
    for page in pages {
        let page_text = fs::read_to_string(&page).expect("a page");
        let missing = quoted(&page_text).into_iter().filter(|part| !code.contains(part));
        let missing: Vec<String> = missing.map(|part| format!("{}: {part}", page.display())).collect();
        assert_no_problems(&missing);
    }
    let page = "| Log text | Fix |\n|---|---|\n| `was … changed`, *external* | `other` |\n\n| x |\n| `y` |\n";
    assert_eq!(quoted(page), BTreeSet::from(["was", "changed"]));
}
