//! Every filter pattern of the documents finds what it is for, in lines that the functions really write.

mod pattern;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use harness::{Database, runtime_api::Function};
use pattern::selects;
use serde_json::{Value, json};

use crate::{environment, events::http};

/// Texts of AWS, which no code of this project writes.
const OF_AWS: [&str; 1] = ["was pinned"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Returns the files below `folder` whose names end with `.{extension}`.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let within = |path: PathBuf| if path.is_dir() { files(&path, extension) } else { vec![path] };
    let all = entries.flat_map(within);
    all.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn code() -> String {
    let folders = ["functions", "shared"].map(|folder| workspace().join(folder));
    let texts = folders.iter().flat_map(|folder| files(folder, "rs"));
    texts.map(|file| fs::read_to_string(file).expect("a source file")).collect()
}

/// Returns the patterns of the documents, with the name of the page.
fn patterns() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in files(&workspace().join("docs"), "md") {
        let page = fs::read_to_string(&file).expect("a page");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for rest in page.split("--filter-pattern '").skip(1) {
            found.push((name.clone(), rest.split('\'').next().expect("the end").to_owned()));
        }
        // A condition of Logs Insights about one member, which has the same operators.
        for rest in page.split("--where '").skip(1) {
            found.push((name.clone(), format!("{{ $.{} }}", rest.split('\'').next().expect("the end"))));
        }
    }
    found
}

/// Returns a line of the gateway's access log, made of the format in the template: a failed request.
fn access_line() -> String {
    let template = fs::read_to_string(workspace().join("infra/app/api.yaml")).expect("the template");
    let (_, format) = template.split_once("Format: >-").expect("the format");
    let (format, _) = format.split_once('}').expect("its end");
    let mut line: String = format.split_whitespace().collect();
    line.push('}');
    let mut filled = String::new();
    let mut parts = line.split("$context.");
    filled.push_str(parts.next().expect("the beginning"));
    for part in parts {
        let end = part.find(|c: char| !(c.is_alphanumeric() || c == '.')).expect("the end of a variable");
        filled.push_str(match &part[..end] {
            "status" => "503",
            "requestTimeEpoch" => "1767323045000",
            _ => "-",
        });
        filled.push_str(&part[end..]);
    }
    filled
}

/// Returns lines as they are in the log groups, by what they are.
async fn lines() -> BTreeMap<&'static str, String> {
    let database = Database::create().await;
    let works = Function::start("auth", environment(&database)).await;
    let ask = || http("GET", "/v1/auth/sessions", &json!({}), None, "203.0.113.7");
    works.invoke(ask()).await.expect("an answer");
    let refused = works.log_line(|line| line.contains("request refused")).await;
    let metrics = works.log_line(|line| line.contains("ColdStarts")).await;

    let mut broken = environment(&database);
    broken.insert("DATABASE_URL".to_owned(), "postgresql://nobody:x@127.0.0.1:9/none".to_owned());
    let fails = Function::start("auth", broken).await;
    let login = json!({ "email": "ada@example.com", "password": "a long enough phrase" }).to_string();
    let headers = json!({ "content-type": "application/json" });
    fails
        .invoke(http("POST", "/v1/auth/login", &headers, Some(&login), "203.0.113.7"))
        .await
        .expect("an answer");
    let failed = fails.log_line(|line| line.contains("request failed")).await;

    let mut slow: Value = serde_json::from_str(&refused).expect("JSON");
    assert!(slow["duration_ms"].is_u64(), "{slow}");
    slow["duration_ms"] = json!(1500);
    // AWS Lambda Developer Guide, "Telemetry API `Event` schema reference".
    let report = json!({ "type": "platform.report", "record": { "requestId": "6d68ca91", "status": "timeout", "metrics": { "initDurationMs": 88.5 } } });
    BTreeMap::from([
        ("refused", refused),
        ("metrics", metrics),
        ("failed", failed),
        ("slow", slow.to_string()),
        ("report", report.to_string()),
        ("access", access_line()),
        ("blocked", blocked().to_string()),
    ])
}

#[tokio::test]
async fn every_filter_pattern_of_the_documents_selects_the_lines_it_is_for() {
    let (mut lines, patterns, code) = (lines().await, patterns(), code());
    assert!(patterns.len() > 4, "{}", patterns.len());
    let failed: Value = serde_json::from_str(&lines["failed"]).expect("JSON");
    for (page, pattern) in patterns {
        // A value that a person puts in.
        let id = failed["request.id"].as_str().expect("an id");
        let filled = pattern.replace("<request id>", id);
        assert!(
            !filled.contains(['<', '…']) || filled.starts_with('{'),
            "{page}: {pattern}: which value is meant?"
        );
        for text in filled.split('"').skip(1).step_by(2) {
            // A text in a line that is not written here must be one of the code.
            if filled.contains("$.message = ") || (!filled.starts_with('{') && text != id) {
                assert!(code.contains(text) || OF_AWS.contains(&text), "{page}: no code writes {text}");
                let mut line = failed.clone();
                line["message"] = json!(text);
                lines.insert("of the code", line.to_string());
            }
        }
        let selected: Vec<_> =
            lines.iter().filter(|(_, line)| selects(&filled, line)).map(|(what, _)| *what).collect();
        assert!(!selected.is_empty(), "{page}: {pattern} selects nothing");
        assert!(selected.len() < lines.len(), "{page}: {pattern} selects everything");
        let expected: &[&str] = match &*filled {
            "{ $.duration_ms > 1000 }" => &["slow"],
            "{ $.status >= 500 }" => &["access", "failed"],
            r#"{ $.level = "ERROR" }"# => &["failed"],
            r#"{ $.action = "BLOCK" }"# => &["blocked"],
            r#"{ $.type = "platform.report" && $.record.status != "success" }"# => &["report"],
            _ => continue,
        };
        let selected: Vec<_> = selected.into_iter().filter(|what| *what != "of the code").collect();
        assert_eq!(selected, expected, "{page}: {pattern}");
    }
}

/// A line of the web ACL (AWS WAF Developer Guide, "Log examples for web ACL traffic").
fn blocked() -> Value {
    json!({
        "timestamp": 1_767_323_045_000_i64, "formatVersion": 1, "action": "BLOCK", "terminatingRuleId": "Addresses",
        "httpRequest": { "clientIp": "203.0.113.7", "country": "DE", "uri": "/v1/auth/login", "httpMethod": "POST" },
    })
}

/// The queries of Logs Insights in the documents: all are about the web ACL.
#[test]
fn every_member_that_a_query_names_is_in_the_lines_that_it_reads() {
    let line = blocked();
    let mut queries = 0;
    for file in files(&workspace().join("docs"), "md") {
        let page = fs::read_to_string(&file).expect("a page");
        for rest in page.split("--query-string '").skip(1) {
            let query = rest.split('\'').next().expect("the end");
            let filtered =
                query.split("filter ").skip(1).map(|rest| rest.split_whitespace().next().expect("a member"));
            let grouped = query
                .split(" by ")
                .skip(1)
                .flat_map(|rest| rest.lines().next().unwrap_or_default().split(','));
            for member in filtered.chain(grouped.map(str::trim)) {
                let pointer = format!("/{}", member.replace('.', "/"));
                assert!(line.pointer(&pointer).is_some(), "{}: no line has {member}", file.display());
            }
            queries += 1;
        }
    }
    assert_eq!(queries, 1);
}

/// Programs for `jq` are not run here. So the pages for incidents have no such program.
#[test]
fn runbooks_need_no_jq() {
    for folder in ["docs/runbooks", "docs/operations"] {
        for file in files(&workspace().join(folder), "md") {
            assert!(!fs::read_to_string(&file).expect("a page").contains("jq "), "{}", file.display());
        }
    }
}
