//! Tables in documents that repeat the code or the templates.

use std::collections::BTreeSet;

use shared::domain::{audit::Action, permission};

use crate::{names, rules, template, text};

/// Returns the rows of the table below the line `header`.
fn table(page: &str, header: &str) -> Vec<String> {
    let rows = page.lines().skip_while(|line| *line != header).skip(2);
    rows.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
}

#[test]
fn permissions_table_matches_the_code() {
    let rows: Vec<_> = permission::ALL
        .iter()
        .map(|(name, role, scope)| {
            let scope = scope.map_or_else(|| "none".to_owned(), |scope| format!("`{}`", scope.as_str()));
            format!("| `{name}` | `{}` | {scope} |", role.as_str())
        })
        .collect();
    assert_eq!(table(&text("docs/security.md"), "| permission | role | scope |"), rows);
}

#[test]
fn functions_of_artifacts_match_the_templates() {
    let page = table(&text("docs/security.md"), "| function | uploads | texts | may also |");
    let written = page.iter().map(|row| row.split('`').nth(1).unwrap_or_default());
    let written: BTreeSet<String> = written.map(rules::id_of).collect();
    assert_eq!(written, rules::functions_of_artifacts(&template()));
    assert_eq!(page.len(), written.len(), "a function has two rows");
}

#[test]
fn audit_actions_table_matches_the_code() {
    let page = table(&text("docs/audit-log.md"), "| action | recorded when | `changes` |");
    let written = page.iter().map(|row| row.split('|').nth(1).unwrap_or_default().trim().to_owned());
    let actions = Action::ALL.iter().map(|action| format!("`{}`", action.as_str()));
    assert_eq!(written.collect::<Vec<_>>(), actions.collect::<Vec<_>>());
}

#[test]
fn failure_metrics_match_the_templates() {
    let rows: BTreeSet<_> = names("functions")
        .iter()
        .map(|function| {
            let fragment = text(&format!("infra/app/functions/{function}.yaml"));
            let filter = fragment.split("AWS::Logs::MetricFilter").nth(1).expect("a metric filter");
            let metric = value_of(filter, "MetricName: ");
            assert_eq!(metric, rules::id_of(function) + "Failures");
            let alarm = fragment.split("AWS::CloudWatch::Alarm").nth(1).expect("an alarm");
            assert_eq!(value_of(alarm, "MetricName: "), metric);
            format!("| [`{function}`](#{function}) | {} ", value_of(alarm, "Threshold: "))
        })
        .collect();
    let header =
        "| function | failures in a minute | what stops working | what rolls back | what to check first |";
    let page = table(&text("docs/runbooks/rollback.md"), header);
    let written = page.iter().map(|row| row.split_inclusive('|').take(3).collect::<String>());
    let written: BTreeSet<_> = written.map(|row| row.trim_end_matches('|').to_owned()).collect();
    assert_eq!(written, rows);
    assert_eq!(page.len(), rows.len(), "a function has two rows");
}

fn value_of<'a>(yaml: &'a str, key: &str) -> &'a str {
    let (_, rest) = yaml.split_once(key).unwrap_or_else(|| panic!("{key} in {yaml}"));
    rest.lines().next().unwrap_or_default().trim()
}
