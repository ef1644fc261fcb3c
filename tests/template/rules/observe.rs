//! The way of spans and errors out of the system.

use serde_json::json;

use super::{check_functions, problem_unless};
use crate::template::Template;

/// Spans, errors, crashes and timeouts.
const WANTED: &str = r#"{ ($.otlp IS TRUE) || ($.level = "ERROR") || ($.type = "platform.report" && $.record.status != "success") }"#;

/// `observe` gets what it sends on from the log of every function but its own, which would never end. It alone is connected to the
/// receivers, and to nothing in the VPC.
pub fn observes_every_log(template: &Template) -> Vec<String> {
    let functions = template.functions();
    let observe = functions.iter().find(|f| f.id == "Observe");
    let Some(observe) = observe else { return vec!["there is no function Observe".to_owned()] };
    let events = observe.get("/Events").as_object();
    let is_observed = |id: &str| {
        events.into_iter().flatten().any(|(_, event)| {
            event["Type"] == "CloudWatchLogs"
                && event["Properties"]["LogGroupName"] == json!({ "Ref": format!("{id}Logs") })
                && event["Properties"]["FilterPattern"] == WANTED
        })
    };
    let mut problems = check_functions(template, |f| {
        if f.id == "Observe" {
            return problem_unless(!is_observed(f.id), "its own log invokes it")
                .or_else(|| problem_unless(f.get("/VpcConfig").is_null(), "it is in the VPC"));
        }
        problem_unless(is_observed(f.id), "its spans and errors do not reach observe")
    });
    let own = observe.environment().get("TRACING_ENABLED").copied() == Some(&json!("false"));
    problems.extend(problem_unless(own, "Observe: it writes spans that nothing sends on"));
    problems
}
