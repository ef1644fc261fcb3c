//! Settings that every resource of a type must have, in every stack.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::template::Template;

/// A resource type, a JSON Pointer to a setting, and a check of its value.
type Setting = (&'static str, &'static str, fn(&Value) -> bool);

const SETTINGS: [Setting; 44] = [
    ("AWS::ApiGateway::RestApi", "/Properties/MinimumCompressionSize", |size| *size == 1000),
    ("AWS::ApiGateway::RestApi", "/Properties/EndpointConfiguration/Types", |types| {
        *types == json!(["REGIONAL"])
    }),
    ("AWS::ApiGateway::Stage", "/Properties/TracingEnabled", is_true),
    ("AWS::ApiGateway::Stage", "/Properties/AccessLogSetting/DestinationArn", is_given),
    ("AWS::ApiGateway::Stage", "/Properties/MethodSettings/0/ThrottlingRateLimit", is_given),
    ("AWS::ApiGateway::Stage", "/Properties/MethodSettings/0/ThrottlingBurstLimit", is_given),
    // TLS 1.2 and 1.3.
    ("AWS::ApiGateway::DomainName", "/Properties/SecurityPolicy", |policy| *policy == "TLS_1_2"),
    ("AWS::CloudWatch::Alarm", "/Properties/TreatMissingData", is_given),
    ("AWS::CodeDeploy::DeploymentGroup", "/Properties/AlarmConfiguration/Enabled", is_true),
    ("AWS::CodeDeploy::DeploymentGroup", "/Properties/AutoRollbackConfiguration/Events", |events| {
        events.as_array().is_some_and(|events| events.contains(&json!("DEPLOYMENT_STOP_ON_ALARM")))
    }),
    ("AWS::ElastiCache::ParameterGroup", "/Properties/Properties/maxmemory-policy", |policy| {
        *policy == "noeviction"
    }),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/AtRestEncryptionEnabled", is_true),
    // With users, whose passwords can be rotated.
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/AuthToken", Value::is_null),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/UserGroupIds/0", is_given),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/AutomaticFailoverEnabled", is_given),
    // Snapshots would keep copies of accounts.
    ("AWS::ElastiCache::ReplicationGroup", "/DeletionPolicy", |policy| *policy != "Snapshot"),
    ("AWS::ElastiCache::ReplicationGroup", "/UpdateReplacePolicy", |policy| *policy != "Snapshot"),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/SnapshotRetentionLimit", |days| *days == 0),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/TransitEncryptionEnabled", is_true),
    ("AWS::ElastiCache::User", "/Properties/AccessString", |access| {
        access.as_str().is_some_and(|access| access.ends_with(" -@dangerous"))
    }),
    ("AWS::ElastiCache::User", "/Properties/AuthenticationMode/Type", |kind| *kind == "password"),
    // KMS does not rotate HMAC keys.
    ("AWS::KMS::Key", "/Properties", |key| key["EnableKeyRotation"] == true || key["KeySpec"] == "HMAC_256"),
    ("AWS::Lambda::Alias", "/UpdatePolicy/CodeDeployLambdaAliasUpdate/DeploymentGroupName", is_given),
    ("AWS::Lambda::Function", "/Properties/LoggingConfig/LogGroup", is_given),
    ("AWS::Lambda::Function", "/Properties/ReservedConcurrentExecutions", is_given),
    ("AWS::Lambda::Function", "/Properties/TracingConfig/Mode", |mode| *mode == "Active"),
    ("AWS::Logs::LogGroup", "/Properties/RetentionInDays", is_given),
    ("AWS::RDS::DBCluster", "/Properties/BackupRetentionPeriod", |days| *days == 35),
    ("AWS::RDS::DBCluster", "/Properties/DeletionProtection", |on| {
        *on == json!({"Fn::If": ["IsDev", false, true]})
    }),
    ("AWS::RDS::DBCluster", "/Properties/ManageMasterUserPassword", is_true),
    ("AWS::RDS::DBCluster", "/Properties/StorageEncrypted", is_true),
    ("AWS::RDS::DBClusterParameterGroup", "/Properties/Parameters/rds.force_ssl", |on| *on == "1"),
    // Aurora's parameter groups do not have it: a deployment would fail.
    ("AWS::RDS::DBClusterParameterGroup", "/Properties/Parameters/lock_timeout", Value::is_null),
    ("AWS::RDS::DBInstance", "/Properties/PubliclyAccessible", |public| *public == false),
    // What the cluster sets for its own instances.
    ("AWS::RDS::DBInstance", "/Properties", |instance| {
        let alone = instance["DBClusterIdentifier"].is_null();
        !alone
            || instance["BackupRetentionPeriod"] == 35
                && instance["DeletionProtection"] == json!({"Fn::If": ["IsDev", false, true]})
                && instance["ManageMasterUserPassword"] == true
                && instance["StorageEncrypted"] == true
    }),
    ("AWS::RDS::DBParameterGroup", "/Properties/Parameters/rds.force_ssl", |on| *on == "1"),
    ("AWS::RDS::DBProxy", "/Properties/RequireTLS", is_true),
    ("AWS::S3::Bucket", "/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0", is_given),
    ("AWS::S3::Bucket", "/Properties/PublicAccessBlockConfiguration", |block| {
        let ways = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"];
        ways.iter().all(|way| block[way] == true)
    }),
    ("AWS::S3::Bucket", "/Properties/VersioningConfiguration/Status", |status| *status == "Enabled"),
    ("AWS::SNS::Topic", "/Properties/KmsMasterKeyId", is_given),
    ("AWS::SQS::Queue", "/Properties/SqsManagedSseEnabled", is_true),
    ("AWS::SecretsManager::Secret", "/Properties/KmsKeyId", is_given),
    // Generated by Secrets Manager or by a function.
    ("AWS::SecretsManager::Secret", "/Properties/SecretString", Value::is_null),
];

fn is_true(value: &Value) -> bool {
    *value == true
}

fn is_given(value: &Value) -> bool {
    !value.is_null()
}

/// Finds checked types of which no stack has a resource. Their rules could never fail.
pub fn has_every_checked_type(stacks: &BTreeMap<String, Template>) -> Vec<String> {
    let kinds = SETTINGS.iter().map(|(kind, ..)| *kind);
    let missing = kinds.filter(|kind| stacks.values().all(|template| template.of_type(kind).is_empty()));
    missing.map(|kind| format!("no {kind}")).collect()
}

pub fn has_required_settings(template: &Template) -> Vec<String> {
    let each = SETTINGS.iter().flat_map(|(kind, place, good)| {
        let resources = template.of_type(kind).into_iter();
        resources.filter_map(move |(id, resource)| {
            let value = resource.pointer(place).unwrap_or(&Value::Null);
            (!good(value)).then(|| format!("{id}: {place} is {value}"))
        })
    });
    each.collect()
}

/// The default endpoint of AWS is closed, so that the web ACL and other protection of our domain cannot be bypassed.
pub fn closes_the_default_endpoint(template: &Template) -> Vec<String> {
    let apis = template.of_type("AWS::ApiGateway::RestApi");
    let closed = |api: &Value| {
        let server = &api["Properties"]["Body"]["servers"][0]["x-amazon-apigateway-endpoint-configuration"];
        server["disableExecuteApiEndpoint"] == json!({"Fn::If": ["HasDomain", true, false]})
    };
    let open = apis.into_iter().filter(|(_, api)| !closed(api));
    open.map(|(id, _)| format!("{id}: the default endpoint stays open")).collect()
}

/// In production, a new version first passes the smoke test, then gets a share of the traffic.
pub fn tests_new_versions_first(template: &Template) -> Vec<String> {
    let called: Vec<&Value> = template
        .of_type("AWS::Lambda::Permission")
        .into_iter()
        .filter(|(_, permission)| permission["Properties"]["Principal"] == "apigateway.amazonaws.com")
        .map(|(_, permission)| &permission["Properties"]["FunctionName"]["Ref"])
        .collect();
    let role = template.resource("SmokeRole", "AWS::IAM::Role").to_string();
    let aliases = template.of_type("AWS::Lambda::Alias").into_iter();
    let untried = aliases.filter(|(id, alias)| {
        let update = &alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
        let group = update["DeploymentGroupName"]["Ref"].as_str().unwrap_or_default();
        let reports = role.contains(&format!("${{ServerlessDeploymentApplication}}/${{{group}}}"));
        let group = template.resource(group, "AWS::CodeDeploy::DeploymentGroup");
        let in_production = group["DeploymentConfigName"]["Fn::If"][1].to_string();
        let is_canary = group["DeploymentConfigName"]["Fn::If"][0] == "IsProduction"
            && in_production.contains("Canary10Percent5Minutes");
        let hooked = update["BeforeAllowTrafficHook"] == json!({"Ref": "Smoke"});
        called.contains(&&json!(id)) && !(is_canary && hooked && reports)
    });
    untried
        .map(|(id, _)| {
            format!("{id}: a new version gets all traffic at once, or without a smoke test that may report")
        })
        .collect()
}

/// The alarm about the cluster's newest restorable time, in seconds.
const MAX_RESTORABLE_AGE: u64 = 1800;
/// Minutes between two measurements of it, at the most.
const MAX_MEASUREMENT_INTERVAL: u64 = 5;

/// Returns the expressions of the enabled schedules of the function `id`.
fn schedules<'a>(template: &'a Template, id: &str) -> Vec<&'a Value> {
    let alias = json!(format!("{id}Aliaslive"));
    template
        .of_type("AWS::Scheduler::Schedule")
        .into_iter()
        .map(|(_, schedule)| &schedule["Properties"])
        .filter(|schedule| schedule["Target"]["Arn"]["Ref"] == alias)
        .filter(|schedule| schedule["State"].as_str().is_none_or(|state| state == "ENABLED"))
        .map(|schedule| &schedule["ScheduleExpression"])
        .collect()
}

/// Returns the minutes of `rate(6 hours)`.
fn minutes(rate: &str) -> Option<u64> {
    let (number, unit) = rate.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let unit = match unit.trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * unit)
}

/// The cluster's recovery point is measured, and an alarm notifies before the recovery point objective of an hour is missed, also
/// when the measurements stop.
pub fn measures_the_recovery_point(template: &Template) -> Vec<String> {
    let rates = schedules(template, "RecoveryPoints").into_iter().filter_map(Value::as_str);
    let is_measured = rates.filter_map(minutes).any(|minutes| minutes <= MAX_MEASUREMENT_INTERVAL);
    let role = &template.resource("RecoveryPointsRole", "AWS::IAM::Role")["Policies"][0];
    let statements = role["PolicyDocument"]["Statement"].as_array().into_iter().flatten();
    let on_rds: Vec<_> = statements.filter(|statement| statement.to_string().contains("rds:")).collect();
    let database = |kind: &str| {
        let arn = "arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}";
        json!({ "Fn::Sub": format!("{arn}:{kind}:${{DatabaseClusterId}}") })
    };
    let actions = json!({ "Fn::If": ["HasCluster", "rds:DescribeDBClusters", "rds:DescribeDBInstances"] });
    let databases = json!({ "Fn::If": ["HasCluster", database("cluster"), database("db")] });
    let may_measure =
        on_rds.len() == 1 && on_rds[0]["Action"] == actions && on_rds[0]["Resource"] == databases;
    let alarm = template.resource("RecoveryPointTooOld", "AWS::CloudWatch::Alarm");
    let function = json!([{ "Name": "function", "Value": { "Ref": "RecoveryPoints" } }]);
    let notifies = alarm["MetricName"] == "LatestRestorableAge"
        && alarm["Dimensions"] == function
        && alarm["ComparisonOperator"] == "GreaterThanThreshold"
        && alarm["Threshold"].as_u64().is_some_and(|threshold| threshold <= MAX_RESTORABLE_AGE)
        && alarm["TreatMissingData"] == "breaching"
        && alarm["AlarmActions"] == json!([{ "Ref": "AlarmTopic" }]);
    let checks = [
        (is_measured, "the recovery point is not measured every five minutes"),
        (may_measure, "RecoveryPoints has other rights on RDS than to describe its database"),
        (notifies, "no alarm at a recovery point of 30 minutes"),
    ];
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

/// The copy is made at the interval of the parameter, and its alarm follows the parameter: after two failed runs.
pub fn backs_up_at_the_interval(template: &Template) -> Vec<String> {
    let found =
        |value: &str| json!({ "Fn::FindInMap": ["BackupIntervals", { "Ref": "BackupInterval" }, value] });
    let mut problems = Vec::new();
    if schedules(template, "Backup") != [&found("Rate")] {
        problems.push("Backup: does not run at BackupInterval".to_owned());
    }
    let alarm = template.resource("LastBackupTooOld", "AWS::CloudWatch::Alarm");
    if alarm["Threshold"] != found("MaxAge") || alarm["TreatMissingData"] != "breaching" {
        problems.push("LastBackupTooOld: does not follow BackupInterval".to_owned());
    }
    let timeout =
        template.resource("Backup", "AWS::Lambda::Function")["Timeout"].as_u64().unwrap_or_default();
    let intervals = template.0["Mappings"]["BackupIntervals"].as_object().into_iter().flatten();
    let intervals: BTreeMap<&str, &Value> = intervals.map(|(name, values)| (name.as_str(), values)).collect();
    let allowed = template.0["Parameters"]["BackupInterval"]["AllowedValues"].as_array();
    let allowed: BTreeSet<&str> = allowed.into_iter().flatten().filter_map(Value::as_str).collect();
    if allowed != intervals.keys().copied().collect() {
        problems.push("BackupInterval: allows other values than BackupIntervals has".to_owned());
    }
    for (name, values) in intervals {
        let interval = values["Rate"].as_str().and_then(minutes);
        if interval.map(|minutes| 2 * 60 * minutes + timeout) != values["MaxAge"].as_u64() {
            problems.push(format!("BackupIntervals: {name} has another age than that after two failed runs"));
        }
    }
    problems
}
