//! Alarms: their metrics, their actions, and the runbooks that they name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{check_functions, problem_unless};
use crate::template::{Template, secret, with_everything};

/// Metrics of AWS and their dimensions (CloudWatch User Guide, "AWS services that publish metrics").
const OF_AWS: &[(&str, &str, &[&str])] = &[
    ("AWS/ApiGateway", "5XXError", &["ApiName", "Stage"]),
    ("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", &["CacheClusterId"]),
    ("AWS/ElastiCache", "EngineCPUUtilization", &["CacheClusterId"]),
    ("AWS/ElastiCache", "Evictions", &["CacheClusterId"]),
    ("AWS/Lambda", "Invocations", &["FunctionName"]),
    ("AWS/Lambda", "Throttles", &["FunctionName"]),
    ("AWS/RDS", "AvailabilityPercentage", &["ProxyName", "TargetGroup", "TargetRole"]),
    ("AWS/RDS", "CPUUtilization", &["DBClusterIdentifier", "Role"]),
    ("AWS/RDS", "CPUUtilization", &["DBInstanceIdentifier"]),
    ("AWS/RDS", "DatabaseConnectionsBorrowLatency", &["ProxyName"]),
    ("AWS/RDS", "DatabaseConnectionsCurrentlySessionPinned", &["ProxyName"]),
    ("AWS/RDS", "FreeStorageSpace", &["DBInstanceIdentifier"]),
    ("AWS/RDS", "FreeableMemory", &["DBClusterIdentifier", "Role"]),
    // Only with `Metrics` in the rule of replication.
    ("AWS/S3", "OperationsFailedReplication", &["SourceBucket", "DestinationBucket", "RuleId"]),
    ("AWS/RDS", "FreeableMemory", &["DBInstanceIdentifier"]),
    ("AWS/SES", "Reputation.BounceRate", &[]),
    ("AWS/SES", "Reputation.ComplaintRate", &[]),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", &["QueueName"]),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", &["QueueName"]),
    ("AWS/SQS", "NumberOfMessagesReceived", &["QueueName"]),
    ("AWS/WAFV2", "BlockedRequests", &["WebACL", "Region", "Rule"]),
];

/// A metric in an alarm: namespace, name, dimensions.
type Metric<'a> = (&'a Value, &'a str, Vec<(&'a str, &'a Value)>);

fn metrics(alarm: &Value) -> Vec<Metric<'_>> {
    let several = alarm["Metrics"].as_array().into_iter().flatten();
    let several = several.filter_map(|metric| metric.pointer("/MetricStat/Metric"));
    let one = alarm["MetricName"].is_string().then_some(alarm);
    several
        .chain(one)
        .flat_map(|metric| {
            // The dimensions may depend on a condition.
            let choices =
                metric["Dimensions"]["Fn::If"].as_array().map(|choice| choice[1..].iter().collect());
            let choices: Vec<&Value> = choices.unwrap_or_else(|| vec![&metric["Dimensions"]]);
            choices.into_iter().map(move |dimensions| {
                let dimensions = dimensions.as_array().into_iter().flatten();
                let dimensions =
                    dimensions.map(|pair| (pair["Name"].as_str().unwrap_or_default(), &pair["Value"]));
                (
                    &metric["Namespace"],
                    metric["MetricName"].as_str().unwrap_or_default(),
                    dimensions.collect(),
                )
            })
        })
        .collect()
}

/// `ours` are the metrics that the code records without a label, so only with the dimension `function`.
pub fn use_existing_metrics(template: &Template, ours: &BTreeSet<String>) -> Vec<String> {
    let filters = template.of_type("AWS::Logs::MetricFilter");
    let filtered: Vec<&Value> =
        filters.iter().map(|(_, filter)| &filter["Properties"]["MetricTransformations"][0]).collect();
    let is_said = |(namespace, name, dimensions): &Metric<'_>| {
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
        let by_a_function = || {
            let function =
                dimensions.first().and_then(|(_, value)| value["Ref"].as_str()).unwrap_or_default();
            !template.resource(function, "AWS::Lambda::Function").is_null()
        };
        match namespace.as_str() {
            Some("Arches") => ours.contains(*name) && names == ["function"] && by_a_function(),
            Some(namespace) => {
                let mut known = OF_AWS.iter().filter(|(of, metric, _)| *of == namespace && metric == name);
                known.any(|(.., wanted)| *wanted == names) && (namespace != "AWS/Lambda" || by_a_function())
            }
            None => {
                let same = |metric: &&Value| {
                    metric["MetricNamespace"] == **namespace && metric["MetricName"] == *name
                };
                names.is_empty() && filtered.iter().any(same)
            }
        }
    };
    let alarms = template.of_type("AWS::CloudWatch::Alarm").into_iter();
    let deaf = alarms.filter(|(_, alarm)| {
        let metrics = metrics(&alarm["Properties"]);
        metrics.is_empty() || !metrics.iter().all(is_said)
    });
    deaf.map(|(id, _)| format!("{id}: uses a metric that does not exist")).collect()
}

/// Returns the runbook in the description of an alarm, without `docs/runbooks/`: `rollback.md#auth`.
pub fn runbook(alarm: &Value) -> Option<&str> {
    let (_, named) = alarm["Properties"]["AlarmDescription"].as_str()?.split_once("docs/runbooks/")?;
    named.split_whitespace().next()
}

/// Returns the alarms of a template: those of a metric, and those that are made of others.
pub fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    kinds.into_iter().flat_map(|kind| template.of_type(kind)).collect()
}

/// Returns the alarms of which a composite alarm is made.
fn parts(alarm: &Value) -> Vec<&str> {
    let rule = alarm["Properties"]["AlarmRule"]["Fn::Sub"].as_str().unwrap_or_default();
    rule.split("ALARM(\"${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

/// Finds alarms that have no action or name no runbook. `runbooks` are the files in `docs/runbooks`, and their sections as
/// `<file>#<anchor>`.
pub fn act_and_name_a_runbook(template: &Template, runbooks: &BTreeSet<String>) -> Vec<String> {
    let stops_a_deployment = |id: &str| {
        let groups = template.of_type("AWS::CodeDeploy::DeploymentGroup");
        groups.iter().any(|(_, group)| {
            let alarms = group["Properties"]["AlarmConfiguration"]["Alarms"].as_array();
            alarms.into_iter().flatten().any(|alarm| with_everything(&alarm["Name"])["Ref"] == id)
        })
    };
    let composites = template.of_type("AWS::CloudWatch::CompositeAlarm");
    let is_part = |id: &str| composites.iter().any(|(_, alarm)| parts(alarm).contains(&id));
    let mute = alarms(template).into_iter().filter(|(id, alarm)| {
        let told = alarm["Properties"]["AlarmActions"] == json!([{"Ref": "AlarmTopic"}]);
        let acts = told || stops_a_deployment(id) || is_part(id);
        !acts
            || alarm["Properties"]["ActionsEnabled"] == false
            || !runbook(alarm).is_some_and(|runbook| runbooks.contains(runbook))
    });
    mute.map(|(id, _)| format!("{id}: has no action, or names no page of docs/runbooks")).collect()
}

/// `CloudWatch` allows ten metrics in one alarm. One stays free, for the next function.
const MAX_METRICS: usize = 9;

pub fn have_room_for_a_metric(template: &Template) -> Vec<String> {
    let alarms = template.of_type("AWS::CloudWatch::Alarm").into_iter();
    let full = alarms.filter(|(_, alarm)| metrics(&alarm["Properties"]).len() > MAX_METRICS);
    full.map(|(id, _)| format!("{id}: more than {MAX_METRICS} metrics; split it")).collect()
}

/// The objective of availability: the part of the requests that may fail.
const BUDGET: f64 = 0.001;
/// An alarm, the rate at which it sees the budget used up, its two windows in seconds.
const BURN_RATES: [(&str, f64, [u64; 2]); 2] =
    [("ApiBudgetBurnsFast", 14.4, [3600, 300]), ("ApiBudgetBurnsSlowly", 6.0, [21600, 1800])];

/// The budget of failed requests is watched over a long and a short window, with the threshold of the rate in both.
pub fn watches_the_budget_of_failures(template: &Template) -> Vec<String> {
    let wrong = BURN_RATES.into_iter().filter(|(id, rate, windows)| {
        let alarm = &template.0["Resources"][id];
        let parts = parts(alarm);
        let seen: Vec<_> = parts
            .iter()
            .map(|id| template.resource(id, "AWS::CloudWatch::Alarm"))
            .filter(|part| {
                part["MetricName"] == "5XXError"
                    && part["Statistic"] == "Average"
                    && part["EvaluationPeriods"] == 1
                    && part["ComparisonOperator"] == "GreaterThanThreshold"
                    && part["Threshold"].as_f64().is_some_and(|limit| (limit - rate * BUDGET).abs() < 1e-9)
            })
            .filter_map(|part| part["Period"].as_u64())
            .collect();
        let both = alarm["Properties"]["AlarmRule"]["Fn::Sub"].as_str().is_some_and(|rule| {
            rule.matches(" AND ").count() == 1 && !rule.contains(" OR ") && !rule.contains("NOT ")
        });
        seen != windows || !both || alarm["Type"] != "AWS::CloudWatch::CompositeAlarm"
    });
    wrong.map(|(id, ..)| format!("{id}: does not watch the budget over two windows")).collect()
}

/// Finds functions with routes whose slow requests do not notify. Left out: those that stream, because models write for seconds.
pub fn notifies_about_slow_requests(template: &Template) -> Vec<String> {
    let alarm = template.resource("ApiSlow", "AWS::CloudWatch::Alarm");
    check_functions(template, |f| {
        let filter = template.resource(&format!("{}Durations", f.id), "AWS::Logs::MetricFilter");
        let metric = &filter["MetricTransformations"][0];
        let watched = filter["LogGroupName"] == json!({ "Ref": format!("{}Logs", f.id) })
            && metric["MetricValue"] == "$.duration_ms"
            && metric["MetricName"] == alarm["MetricName"]
            && metric["MetricNamespace"] == alarm["Namespace"];
        let events = f.get("/Events").as_object();
        let streams = events
            .into_iter()
            .flatten()
            .any(|(_, event)| event["Properties"]["ResponseTransferMode"] == "RESPONSE_STREAM");
        problem_unless(watched || streams || f.paths().is_empty(), "its slow requests move no alarm")
    })
}

/// The alarm about secrets that cannot be read again, in seconds: before the maximum age, whose default is 30 minutes.
const MAX_SECRET_AGE: u64 = 900;

/// Finds functions whose secrets can become too old without a notification. Left out: functions that give up at the first failure,
/// and whose failures notify.
pub fn notifies_about_old_secrets(template: &Template) -> Vec<String> {
    const ONE_RUN: [&str; 4] = ["Migrate", "RotateKeys", "RotateRedis", "Smoke"];
    let alarms = ["SecretsTooOld", "OauthSecretsTooOld", "JobSecretsTooOld"]
        .map(|id| template.resource(id, "AWS::CloudWatch::Alarm"));
    let notifies = |alarm: &&Value| {
        alarm["AlarmActions"] == json!([{"Ref": "AlarmTopic"}])
            && alarm["ComparisonOperator"] == "GreaterThanThreshold"
            && alarm["Threshold"].as_u64().is_some_and(|threshold| threshold <= MAX_SECRET_AGE)
            && (alarm["Metrics"][0]["Expression"] == "MAX(METRICS())"
                || (alarm["MetricName"] == "SecretAge" && alarm["Statistic"] == "Maximum"))
    };
    if !alarms.iter().all(notifies) {
        return vec!["no alarm about secrets that cannot be read again".to_owned()];
    }
    let watched: Vec<_> = alarms
        .into_iter()
        .flat_map(metrics)
        .filter(|(_, name, _)| *name == "SecretAge")
        .filter_map(|(.., dimensions)| dimensions.first()?.1["Ref"].as_str())
        .collect();
    let functions = template.of_type("AWS::Lambda::Function").into_iter();
    let readers = functions.filter(|(_, function)| {
        let variables = function.pointer("/Properties/Environment/Variables").and_then(Value::as_object);
        variables.into_iter().flatten().any(|(_, value)| secret(value).is_some())
    });
    readers
        .map(|(id, _)| id)
        .filter(|id| !ONE_RUN.contains(id) && !watched.contains(id))
        .map(|id| format!("{id}: no alarm about its secrets"))
        .collect()
}
