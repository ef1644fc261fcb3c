//! Settings that every resource of a kind has, in whichever stack it stands.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::template::Template;

/// A kind of resource, the place of a setting in it (a JSON Pointer), and what may stand there.
type Setting = (&'static str, &'static str, fn(&Value) -> bool);

const SETTINGS: [Setting; 36] = [
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
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/AuthToken", is_given),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/AutomaticFailoverEnabled", is_given),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/SnapshotRetentionLimit", is_given),
    ("AWS::ElastiCache::ReplicationGroup", "/Properties/TransitEncryptionEnabled", is_true),
    ("AWS::KMS::Key", "/Properties/EnableKeyRotation", is_true),
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
    ("AWS::RDS::DBInstance", "/Properties/PubliclyAccessible", |public| *public == false),
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
    // Made up by Secrets Manager, or by a function.
    ("AWS::SecretsManager::Secret", "/Properties/SecretString", Value::is_null),
];

fn is_true(value: &Value) -> bool {
    *value == true
}

fn is_given(value: &Value) -> bool {
    !value.is_null()
}

/// The kinds that some rule is about and that no stack has any of: without them no rule could fail.
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

/// What is attached to our own name, such as the web ACL, may not be walked around.
pub fn closes_the_default_endpoint(template: &Template) -> Vec<String> {
    let apis = template.of_type("AWS::ApiGateway::RestApi");
    let closed = |api: &Value| {
        let server = &api["Properties"]["Body"]["servers"][0]["x-amazon-apigateway-endpoint-configuration"];
        server["disableExecuteApiEndpoint"] == json!({"Fn::If": ["HasDomain", true, false]})
    };
    let open = apis.into_iter().filter(|(_, api)| !closed(api));
    open.map(|(id, _)| format!("{id}: AWS's own address stays open beside ours")).collect()
}

/// In production a share of the traffic tries a new version, after the smoke test did.
pub fn tests_new_versions_first(template: &Template) -> Vec<String> {
    let called: Vec<&Value> = template
        .of_type("AWS::Lambda::Permission")
        .into_iter()
        .filter(|(_, permission)| permission["Properties"]["Principal"] == "apigateway.amazonaws.com")
        .map(|(_, permission)| &permission["Properties"]["FunctionName"]["Ref"])
        .collect();
    let aliases = template.of_type("AWS::Lambda::Alias").into_iter();
    let untried = aliases.filter(|(id, alias)| {
        let update = &alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
        let group = update["DeploymentGroupName"]["Ref"].as_str().unwrap_or_default();
        let group = template.resource(group, "AWS::CodeDeploy::DeploymentGroup");
        let in_production = group["DeploymentConfigName"]["Fn::If"][1].to_string();
        let is_canary = group["DeploymentConfigName"]["Fn::If"][0] == "IsProduction"
            && in_production.contains("Canary10Percent5Minutes");
        let hooked = update["BeforeAllowTrafficHook"] == json!({"Ref": "Smoke"});
        called.contains(&&json!(id)) && !(is_canary && hooked)
    });
    untried.map(|(id, _)| format!("{id}: all traffic goes to a new version at once, or untried")).collect()
}

/// The recovery point objective, in minutes.
const RPO: u64 = 60;

/// What may be lost is the time between two backups and how long one takes at the most.
pub fn backs_up_often_enough(template: &Template) -> Vec<String> {
    let timeout =
        template.resource("Backup", "AWS::Lambda::Function")["Timeout"].as_u64().unwrap_or(u64::MAX);
    let schedules = template.of_type("AWS::Scheduler::Schedule").into_iter();
    let often = schedules
        .filter(|(_, schedule)| schedule["Properties"]["Target"]["Arn"]["Ref"] == "BackupAliaslive")
        .filter(|(_, schedule)| {
            schedule["Properties"]["State"].as_str().is_none_or(|state| state == "ENABLED")
        })
        .filter_map(|(_, schedule)| {
            let rate = schedule["Properties"]["ScheduleExpression"].as_str()?;
            rate.strip_prefix("rate(")?.strip_suffix(" minutes)")?.parse::<u64>().ok()
        })
        .any(|minutes| minutes.saturating_add(timeout.div_ceil(60)) <= RPO);
    let problem = format!("Backup: more than {RPO} minutes can be lost");
    if often { Vec::new() } else { vec![problem] }
}
