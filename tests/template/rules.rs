//! What every template of ours keeps to. A rule returns what breaks it, so that it can be tried on broken ones.

mod access;
mod alarms;
mod edge;
mod settings;
mod stacks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::template::{Function, Template, each};

pub use alarms::{listens_to_what_is_said, runbook, tells_someone_what_to_do};
pub use edge::{
    keeps_the_web_acl_before_the_api, limits_addresses_and_bodies, serves_files_only_through_the_distribution,
};

pub use stacks::{
    ORDER, answer_over_tls_only, are_given_what_those_before_them_publish, bound_every_role,
    keep_what_cannot_be_made_again, let_nobody_in_from_the_internet, lets_out_tls_alone,
};

pub use settings::{
    backs_up_often_enough, has_one_way_in, has_what_it_is_to_be_asked_for,
    sets_what_every_resource_of_its_kind_sets, tries_new_versions_first,
};

pub use access::{
    explains_every_wildcard, has_a_role_that_names_every_action_and_resource, holds_no_secret,
    reads_exactly_the_secrets_it_is_given,
};

/// The gateway gives up after this many seconds.
const GATEWAY_TIMEOUT: u64 = 29;

/// Asks `rule` of every function.
fn of_each(template: &Template, rule: impl Fn(&Function<'_>) -> Option<String>) -> Vec<String> {
    let functions = template.functions();
    functions.iter().filter_map(|f| rule(f).map(|problem| format!("{}: {problem}", f.id))).collect()
}

fn unless(good: bool, problem: &str) -> Option<String> {
    (!good).then(|| problem.to_owned())
}

/// `folders` are those of `functions/`.
pub fn built_from_its_folder(template: &Template, folders: &BTreeSet<String>) -> Vec<String> {
    let mut without: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
    let mut problems = of_each(template, |f| {
        let binary = f.resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or_default();
        let folder = f.get("/CodeUri").as_str().and_then(|uri| uri.strip_prefix("functions/"));
        unless(
            folder == Some(binary) && folders.contains(binary) && id_of(binary) == f.id,
            "not named as its folder",
        )
    });
    for f in template.functions() {
        without
            .remove(f.get("/CodeUri").as_str().and_then(|uri| uri.strip_prefix("functions/")).unwrap_or(""));
    }
    problems.extend(without.iter().map(|folder| format!("functions/{folder} is not deployed")));
    problems
}

/// The id of the function in the template: `RotateKeys` of `rotate-keys`.
pub fn id_of(function: &str) -> String {
    function.split('-').map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

pub fn logs_where_it_is_told_and_not_forever(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        let id = format!("{}Logs", f.id);
        let group = &template.0["Resources"][&id];
        unless(
            *f.get("/LoggingConfig/LogGroup") == json!({ "Ref": id })
                && *f.get("/LoggingConfig/LogFormat") == "JSON"
                && !template.resource(&id, "AWS::Logs::LogGroup")["RetentionInDays"].is_null()
                && ["DeletionPolicy", "UpdateReplacePolicy"].iter().all(|policy| group[*policy] == "Retain"),
            "no log group of its own that is retained, for so many days",
        )
    })
}

pub fn is_rolled_back_when_it_logs_errors(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        let [logs, failures, rollback] =
            ["Logs", "Failures", "Rollback"].map(|role| format!("{}{role}", f.id));
        let filter = template.resource(&failures, "AWS::Logs::MetricFilter");
        let metric = &filter["MetricTransformations"][0];
        let alarm = template.resource(&rollback, "AWS::CloudWatch::Alarm");
        let errors = filter["FilterPattern"].as_str().is_some_and(|p| p.contains(r#"$.level = "ERROR""#));
        unless(
            errors
                && filter["LogGroupName"] == json!({ "Ref": logs })
                && metric["MetricName"] == *failures
                && alarm["MetricName"] == metric["MetricName"]
                && alarm["Namespace"] == metric["MetricNamespace"]
                && each(f.get("/DeploymentPreference/Alarms")).contains(&json!({ "Ref": rollback })),
            "no rollback alarm on its own error lines",
        )
    })
}

/// Code that wants a table is not there before the table is.
pub fn waits_for_the_schema(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        let waits = f.id == "Migrate" || each(&f.resource["DependsOn"]).contains(&json!("Migrations"));
        unless(waits || !f.environment().contains_key("DATABASE_URL"), "may be there before the schema is")
    })
}

pub fn publishes_every_change(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        unless(
            *f.get("/AutoPublishAlias") == "live"
                && *f.get("/AutoPublishAliasAllProperties") == true
                && *f.get("/VersionDescription") == json!({ "Ref": "AppVersion" }),
            "a change of configuration would not reach `live`",
        )
    })
}

/// `documented` are the paths of `openapi.json`.
pub fn reaches_every_path_in_one_way(template: &Template, documented: &[String]) -> Vec<String> {
    let functions = template.functions();
    let reaching =
        |path: &str| functions.iter().filter(|f| f.paths().iter().any(|event| reaches(event, path))).count();
    documented
        .iter()
        .filter_map(|path| match reaching(path) {
            1 => None,
            count => Some(format!("{count} functions answer at {path}")),
        })
        .collect()
}

fn reaches(event: &str, path: &str) -> bool {
    match event.strip_suffix("{proxy+}") {
        Some(prefix) => path.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()),
        None => event == path,
    }
}

/// `router` is what `cargo lambda watch` is told, in the gateway's spelling.
pub fn routes_as_developers_do(template: &Template, router: &BTreeMap<String, String>) -> Vec<String> {
    let functions = template.functions();
    let events = functions.iter().flat_map(|f| {
        let folder = f.resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or_default();
        f.paths().into_iter().map(move |path| (path.to_owned(), folder.to_owned()))
    });
    let events: Vec<(String, String)> = events.collect();
    let in_aws = events.iter().filter(|(path, folder)| router.get(path) != Some(folder));
    let elsewhere =
        router.iter().filter(|(path, folder)| !events.contains(&((*path).clone(), (*folder).clone())));
    in_aws
        .map(|(path, folder)| format!("{path} is {folder}'s in AWS alone"))
        .chain(elsewhere.map(|(path, folder)| format!("{path} is {folder}'s locally alone")))
        .collect()
}

pub fn ends_before_the_gateway_gives_up(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        let ends = f.get("/Timeout").as_u64().is_some_and(|seconds| seconds <= GATEWAY_TIMEOUT);
        unless(f.paths().is_empty() || ends, "works on for a caller who has gone")
    })
}

pub fn leaves_a_failed_job_where_it_is_found(template: &Template) -> Vec<String> {
    of_each(template, |f| {
        let events = f.get("/Events").as_object();
        let asynchronous = events.is_none_or(|events| events.values().any(|event| event["Type"] != "Api"));
        let failed = f.get("/EventInvokeConfig/DestinationConfig/OnFailure/Destination");
        let allowed = f.statements(template).into_iter().any(|statement| {
            each(&statement["Action"]).iter().any(|action| *action == "sqs:SendMessage")
                && each(&statement["Resource"]).contains(failed)
        });
        let queue = failed["Fn::GetAtt"][0].as_str().unwrap_or_default();
        let encrypted = template.resource(queue, "AWS::SQS::Queue")["SqsManagedSseEnabled"] == true;
        unless(
            !asynchronous || (allowed && encrypted),
            "no encrypted failure destination that it may write to",
        )
    })
}

/// `documented` are the variables that `.env.example` names.
pub fn sets_only_documented_variables(template: &Template, documented: &BTreeSet<String>) -> Vec<String> {
    of_each(template, |f| {
        let environment = f.environment();
        // The Lambda runtime's own, which the configuration never sees.
        let mut ours = environment.keys().filter(|name| !name.starts_with("AWS_LAMBDA_"));
        ours.find(|name| !documented.contains(**name))
            .map(|name| format!(".env.example does not name {name}"))
    })
}

pub fn answers_for_itself_as_the_api_does(template: &Template) -> Vec<String> {
    let api = template.resource("Api", "AWS::Serverless::Api");
    let responses = api["GatewayResponses"].as_object().into_iter().flatten();
    let mut problems: Vec<String> = ["DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "WAF_FILTERED"]
        .into_iter()
        .filter(|kind| api["GatewayResponses"][*kind].is_null())
        .map(|kind| format!("{kind}: as AWS words it"))
        .collect();
    problems.extend(responses.filter_map(|(kind, response)| {
        let body = response["ResponseTemplates"]["application/json"].as_str().unwrap_or_default();
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        let headers = &response["ResponseParameters"]["Headers"];
        let members = ["type", "title", "status", "detail", "instance", "requestId"];
        let complete = members.iter().all(|member| !problem[*member].is_null());
        let known =
            problem["type"].as_str().is_some_and(|kind| kind.starts_with("https://archesai.com/problems/"));
        let safe = headers["Content-Type"] == "'application/problem+json'"
            && headers["Strict-Transport-Security"] == "'max-age=31536000; includeSubDomains'"
            && headers["Cache-Control"] == "'no-store'"
            && headers["X-Request-Id"] == "context.requestId";
        let good = complete && known && safe && problem["status"] == response["StatusCode"];
        unless(good, "not a problem of ours").map(|problem| format!("{kind}: {problem}"))
    }));
    problems
}

/// `values` are those of one of `infra/environments`.
pub fn is_given_what_it_asks_for(template: &Template, environment: &str, values: &Value) -> Vec<String> {
    let parameters = template.section("Parameters");
    let mut problems: Vec<String> = parameters
        .iter()
        .filter(|(name, parameter)| parameter["Default"].is_null() && values[name.as_str()].is_null())
        .map(|(name, _)| format!("{environment} does not say {name}"))
        .collect();
    let names = ["AppUrl", "DomainName"];
    let asked = names.iter().all(|name| parameters.contains_key(*name));
    if asked && names.iter().all(|name| values[*name].as_str().unwrap_or_default().is_empty()) {
        problems.push(format!("{environment} says neither AppUrl nor DomainName"));
    }
    // Reserving takes from other functions of the account, so a default does not.
    let reserved = |name: &str| values[name].as_i64().is_some_and(|instances| instances > 0);
    let unreserved = parameters.keys().filter(|name| name.ends_with("Concurrency") && !reserved(name));
    if environment == "production" {
        problems.extend(unreserved.map(|name| format!("production reserves nothing as {name}")));
    }
    for (name, value) in values.as_object().into_iter().flatten() {
        let Some(parameter) = parameters.get(name) else {
            problems.push(format!("{environment} says {name}, which nobody asks for"));
            continue;
        };
        let published = parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::"));
        let prefix = format!("/arches/{environment}/");
        if published && !value.as_str().is_some_and(|name| name.starts_with(&prefix)) {
            problems.push(format!("{environment} takes {name} from elsewhere"));
        }
    }
    problems
}
