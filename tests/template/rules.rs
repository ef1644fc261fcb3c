//! The rules for all templates. A rule returns its violations, so that it can be tested with broken templates.

mod access;
mod account;
mod alarms;
mod artifacts;
mod backups;
mod database;
mod edge;
mod observe;
mod queues;
mod replica;
mod settings;
mod stacks;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::template::{Function, Template, each};

pub use account::{
    allows_actions_without_resources_on_all, allows_only_the_regions_of_environments, deletes_versions_only,
    fits_the_limit_of_policies, keeps_the_environment_of_a_role, opens_api_gateway_first,
    trusts_the_repository_by_its_id, uses_objects_of_the_account_only,
};
pub use alarms::{
    act_and_name_a_runbook, alarms, have_room_for_a_metric, notifies_about_old_secrets,
    notifies_about_slow_requests, runbook, use_existing_metrics, watches_the_budget_of_failures,
};
pub use artifacts::{
    functions_of_artifacts, guard_the_bucket_of_artifacts, isolate_groups_and_subnets,
    let_only_callers_of_others_out, name_queues_as_index_reads_them, share_artifacts_exactly,
};
pub use backups::{authenticates_backups, keeps_backups, removes_only_expired_backups};
pub use database::{
    has_a_connection_for_each_instance, limits_sessions_as_locally, reads_both_names_of_each_login,
    runs_the_local_major_version,
};
pub use edge::{
    EXPOSED, answers_pages_of_listed_origins, asks_for_newer_pages, attaches_the_web_acl,
    blocks_bodies_without_text, limits_addresses_and_bodies, limits_what_pages_do,
    makes_a_distribution_only_if_asked, serves_files_only_through_the_distribution,
};

pub use observe::observes_every_log;

pub use queues::{handles_each_message_of_a_queue, reports_bounces_and_complaints};

pub use replica::{
    COPIED, authenticates_copies, copies_every_backup_and_erasure, copies_what_nothing_can_make_again,
    encrypts_copies_of_rotated_secrets, keeps_copies_as_originals, replicates_without_deleting,
};

pub use stacks::{
    ORDER, allow_nothing_from_the_internet, allow_only_https_out, bound_every_role,
    keep_the_identity_of_the_ledger, name_the_making_role_in_keys, name_the_region_in_global_names,
    refuse_requests_without_tls, retain_data, tag_every_role, take_only_published_parameters,
};

pub use settings::{
    backs_up_at_the_interval, closes_the_default_endpoint, has_every_checked_type, has_required_settings,
    measures_the_recovery_point, tests_new_versions_first,
};

pub use access::{
    explains_every_wildcard, has_a_role_that_names_every_action_and_resource, holds_no_secret,
    reads_exactly_the_secrets_it_is_given,
};

/// The timeout of the gateway, in seconds.
const GATEWAY_TIMEOUT: u64 = 29;

/// Applies `rule` to every function.
fn check_functions(template: &Template, rule: impl Fn(&Function<'_>) -> Option<String>) -> Vec<String> {
    let functions = template.functions();
    functions.iter().filter_map(|f| rule(f).map(|problem| format!("{}: {problem}", f.id))).collect()
}

fn problem_unless(good: bool, problem: &str) -> Option<String> {
    (!good).then(|| problem.to_owned())
}

/// `folders` are those of `functions/`.
pub fn built_from_its_folder(template: &Template, folders: &BTreeSet<String>) -> Vec<String> {
    let mut without: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
    let mut problems = check_functions(template, |f| {
        let binary = f.resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap_or_default();
        let folder = f.get("/CodeUri").as_str().and_then(|uri| uri.strip_prefix("functions/"));
        problem_unless(
            folder == Some(binary) && folders.contains(binary) && id_of(binary) == f.id,
            "not named after its folder",
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

pub fn has_its_own_log_group(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let id = format!("{}Logs", f.id);
        let group = &template.0["Resources"][&id];
        problem_unless(
            *f.get("/LoggingConfig/LogGroup") == json!({ "Ref": id })
                && *f.get("/LoggingConfig/LogFormat") == "JSON"
                && !template.resource(&id, "AWS::Logs::LogGroup")["RetentionInDays"].is_null()
                && ["DeletionPolicy", "UpdateReplacePolicy"].iter().all(|policy| group[*policy] == "Retain"),
            "no log group of its own that has a retention period and outlives the stack",
        )
    })
}

pub fn is_rolled_back_when_it_logs_errors(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let [logs, failures, rollback] =
            ["Logs", "Failures", "Rollback"].map(|role| format!("{}{role}", f.id));
        let filter = template.resource(&failures, "AWS::Logs::MetricFilter");
        let metric = &filter["MetricTransformations"][0];
        let alarm = template.resource(&rollback, "AWS::CloudWatch::Alarm");
        // An environment with few alarms has one for all functions.
        let stops = json!({ "Fn::If": ["HasAllAlarms", { "Ref": rollback }, { "Ref": "ApiFailures" }] });
        let errors = filter["FilterPattern"].as_str().is_some_and(|p| p.contains(r#"$.level = "ERROR""#));
        problem_unless(
            errors
                && filter["LogGroupName"] == json!({ "Ref": logs })
                && metric["MetricName"] == *failures
                && alarm["MetricName"] == metric["MetricName"]
                && alarm["Namespace"] == metric["MetricNamespace"]
                && each(f.get("/DeploymentPreference/Alarms")).contains(&stops),
            "no rollback alarm on its own error lines",
        )
    })
}

/// Functions that use the database are deployed after the migrations.
pub fn waits_for_the_schema(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let waits = f.id == "Migrate" || each(&f.resource["DependsOn"]).contains(&json!("Migrations"));
        problem_unless(
            waits || !f.environment().contains_key("DATABASE_URL"),
            "can be deployed before the schema",
        )
    })
}

pub fn publishes_every_change(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        problem_unless(
            *f.get("/AutoPublishAlias") == "live"
                && *f.get("/AutoPublishAliasAllProperties") == true
                && *f.get("/VersionDescription") == json!({ "Ref": "AppVersion" }),
            "a change of configuration does not reach `live`",
        )
    })
}

/// `documented` are the paths of `openapi.json`.
pub fn serves_every_path_once(template: &Template, documented: &[String]) -> Vec<String> {
    let functions = template.functions();
    // The gateway takes the most specific event: the path itself, otherwise the longest one that ends with {proxy+}.
    let most_specific = |f: &Function<'_>, path: &str| {
        let events = f.paths().into_iter().filter(|event| reaches(event, path));
        events.map(|event| if event == path { usize::MAX } else { event.len() }).max()
    };
    let answering = |path: &str| {
        let found: Vec<usize> = functions.iter().filter_map(|f| most_specific(f, path)).collect();
        found.iter().filter(|one| Some(*one) == found.iter().max()).count()
    };
    documented
        .iter()
        .filter_map(|path| match answering(path) {
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

/// API Gateway allows one variable below a resource, `{proxy+}` included: a second one fails the deployment.
pub fn has_one_variable_per_place(template: &Template) -> Vec<String> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for f in template.functions() {
        for path in f.paths() {
            let parts: Vec<&str> = path.split('/').collect();
            for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.starts_with('{')) {
                places.entry(parts[..at].join("/")).or_default().insert((*part).to_owned());
            }
        }
    }
    let crowded = places.into_iter().filter(|(_, variables)| variables.len() > 1);
    crowded.map(|(place, variables)| format!("{place} has the variables {variables:?}")).collect()
}

/// `router` has the routes of `cargo lambda watch`, in the notation of the gateway.
pub fn routes_as_locally(template: &Template, router: &BTreeMap<String, String>) -> Vec<String> {
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
        .map(|(path, folder)| format!("{path} leads to {folder} only in AWS"))
        .chain(elsewhere.map(|(path, folder)| format!("{path} leads to {folder} only locally")))
        .collect()
}

/// A gateway that streams waits for as long as its route says.
pub fn times_out_before_the_gateway(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let events = f.get("/Events").as_object().into_iter().flatten();
        let streams = events.filter(|(_, event)| event["Type"] == "Api").map(|(_, event)| {
            let properties = &event["Properties"];
            let streams = properties["ResponseTransferMode"] == "RESPONSE_STREAM";
            properties["TimeoutInMillis"].as_u64().filter(|_| streams).map(|millis| millis / 1_000)
        });
        let limit = streams.map(|seconds| seconds.unwrap_or(GATEWAY_TIMEOUT)).min();
        let limit = limit.unwrap_or(GATEWAY_TIMEOUT);
        let ends = f.get("/Timeout").as_u64().is_some_and(|seconds| seconds <= limit);
        problem_unless(f.paths().is_empty() || ends, "its timeout is longer than that of the gateway")
    })
}

pub fn has_a_failure_destination(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let events = f.get("/Events").as_object();
        let asynchronous = events.is_none_or(|events| {
            events.values().any(|event| event["Type"] != "Api" && event["Type"] != "SQS")
        });
        let failed = f.get("/EventInvokeConfig/DestinationConfig/OnFailure/Destination");
        let allowed = f.statements(template).into_iter().any(|statement| {
            each(&statement["Action"]).iter().any(|action| *action == "sqs:SendMessage")
                && each(&statement["Resource"]).contains(failed)
        });
        let queue = failed["Fn::GetAtt"][0].as_str().unwrap_or_default();
        let encrypted = template.resource(queue, "AWS::SQS::Queue")["SqsManagedSseEnabled"] == true;
        problem_unless(
            !asynchronous || (allowed && encrypted),
            "no encrypted failure destination that it may write to",
        )
    })
}

/// `documented` are the variables that `.env.example` names.
pub fn sets_only_documented_variables(template: &Template, documented: &BTreeSet<String>) -> Vec<String> {
    check_functions(template, |f| {
        let environment = f.environment();
        // Variables of the Lambda runtime and of the SDK, which the configuration does not read.
        let of_runtime =
            |name: &str| name.starts_with("AWS_LAMBDA_") || name.starts_with("AWS_ENDPOINT_URL_");
        let mut ours = environment.keys().filter(|name| !of_runtime(name));
        ours.find(|name| !documented.contains(**name))
            .map(|name| format!(".env.example does not name {name}"))
    })
}

pub fn has_problems_as_gateway_errors(template: &Template) -> Vec<String> {
    let api = template.resource("Api", "AWS::Serverless::Api");
    let responses = api["GatewayResponses"].as_object().into_iter().flatten();
    let mut problems: Vec<String> = ["DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "WAF_FILTERED"]
        .into_iter()
        .filter(|kind| api["GatewayResponses"][*kind].is_null())
        .map(|kind| format!("{kind}: not set"))
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
        // Otherwise a browser would hide the answer from every page.
        let readable = headers["Access-Control-Allow-Origin"] == "method.request.header.Origin"
            && headers["Access-Control-Allow-Credentials"] == "'true'"
            && headers["Access-Control-Expose-Headers"] == format!("'{EXPOSED}'")
            && headers["Vary"] == "'Origin'";
        let good = complete && known && safe && readable && problem["status"] == response["StatusCode"];
        problem_unless(good, "not a problem of this API").map(|problem| format!("{kind}: {problem}"))
    }));
    problems
}

/// `values` are the parameters of one of `infra/environments`.
pub fn sets_all_parameters(template: &Template, environment: &str, values: &Value) -> Vec<String> {
    let parameters = template.section("Parameters");
    let mut problems: Vec<String> = parameters
        .iter()
        // CloudFormation keeps the value of an existing stack, so a default never reaches it. deploy.sh passes the version.
        .filter(|(name, _)| *name != "AppVersion" && values[name.as_str()].is_null())
        .map(|(name, _)| format!("{environment} does not set {name}"))
        .collect();
    let names = ["AppUrl", "DomainName"];
    let asked = names.iter().all(|name| parameters.contains_key(*name));
    if asked && names.iter().all(|name| values[*name].as_str().unwrap_or_default().is_empty()) {
        problems.push(format!("{environment} sets neither AppUrl nor DomainName"));
    }
    // Reserved concurrency is taken from the other functions of the account, so there is no default.
    let reserved = |name: &str| values[name].as_i64().is_some_and(|instances| instances > 0);
    let unreserved = parameters.keys().filter(|name| name.ends_with("Concurrency") && !reserved(name));
    if environment == "production" {
        problems.extend(unreserved.map(|name| format!("production does not reserve {name}")));
    }
    for (name, value) in values.as_object().into_iter().flatten() {
        let Some(parameter) = parameters.get(name) else {
            problems.push(format!("{environment} sets {name}, which is not a parameter"));
            continue;
        };
        let published = parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::"));
        let prefix = format!("/arches/{environment}/");
        if published && !value.as_str().is_some_and(|name| name.starts_with(&prefix)) {
            problems.push(format!("{environment} takes {name} from another environment"));
        }
    }
    problems
}
