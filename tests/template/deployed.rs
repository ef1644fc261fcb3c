//! The stacks as `CloudFormation` sees them, after SAM has added what it adds; and that each rule about them can fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::LazyLock,
};

use harness::service;
use local_stack::Tools;
use serde_json::{Value, json};

use crate::{environment, file_of, holds, names, root, rules, stacks, template::Template, text};

static STACKS: LazyLock<BTreeMap<String, Template>> = LazyLock::new(|| {
    let translated = |stack: String| {
        let mut translate = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
        let translate = translate.args(["infra/translate.py", &file_of(&stack)]).current_dir(root());
        let output = translate.output().expect("python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (stack, Template(serde_json::from_slice(&output.stdout).expect("its JSON")))
    };
    stacks().into_iter().map(translated).collect()
});
static DEPLOYED: LazyLock<&Template> = LazyLock::new(|| &STACKS["app"]);

/// The metrics that the code records without a label.
fn our_metrics() -> BTreeSet<String> {
    let mut ours = BTreeSet::new();
    for file in [
        "functions/backup/src/lib.rs",
        "functions/restore-drill/src/lib.rs",
        "functions/retention/src/report.rs",
        "shared/src/backup/catalogue.rs",
        "shared/src/http/request.rs",
        "shared/src/telemetry.rs",
    ] {
        let code = text(file);
        let recorded = code.split("histogram!(\"").skip(1).chain(code.split("counter!(\"").skip(1));
        ours.extend(recorded.filter_map(|rest| Some(rest.split_once("\")")?.0.to_owned())));
    }
    ours.retain(|name| name.chars().all(char::is_alphabetic));
    ours
}

#[track_caller]
fn noticed(rule: impl Fn(&Template) -> Vec<String>, broken: &Template, about: &str) {
    let problems = rule(broken);
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

/// The stack without something: `without("app", "Auth/Properties/Role")`.
fn without(stack: &str, pointer: &str) -> Template {
    STACKS[stack].without(&format!("/Resources/{pointer}"))
}

fn with(stack: &str, pointer: &str, value: Value) -> Template {
    STACKS[stack].with(&format!("/Resources/{pointer}"), value)
}

#[test]
fn every_resource_is_set_as_those_of_its_kind_are() {
    holds(&rules::has_what_it_is_to_be_asked_for(&STACKS));
    for template in STACKS.values() {
        holds(&rules::sets_what_every_resource_of_its_kind_sets(template));
    }
}

#[test]
fn a_setting_that_is_gone_is_noticed() {
    for (pointer, id) in [
        ("Api/Properties/MinimumCompressionSize", "Api"),
        ("ApiliveStage/Properties/TracingEnabled", "ApiliveStage"),
        ("ApiliveStage/Properties/AccessLogSetting", "ApiliveStage"),
        ("ApiliveStage/Properties/MethodSettings", "ApiliveStage"),
        ("AuthDeploymentGroup/Properties/AlarmConfiguration", "AuthDeploymentGroup"),
        ("AuthDeploymentGroup/Properties/AutoRollbackConfiguration", "AuthDeploymentGroup"),
        ("AuthAliaslive/UpdatePolicy", "AuthAliaslive"),
        ("AuthLogs/Properties/RetentionInDays", "AuthLogs"),
        ("ApiAccessLogs/Properties/RetentionInDays", "ApiAccessLogs"),
        ("Backup/Properties/ReservedConcurrentExecutions", "Backup"),
        ("Docs/Properties/TracingConfig", "Docs"),
        ("FailedJobs/Properties/SqsManagedSseEnabled", "FailedJobs"),
        ("ApiSlow/Properties/TreatMissingData", "ApiSlow"),
    ] {
        noticed(rules::sets_what_every_resource_of_its_kind_sets, &without("app", pointer), id);
    }
    for (stack, pointer, weak, id) in [
        ("edge", "ApiDomain/Properties/SecurityPolicy", json!("TLS_1_0"), "ApiDomain"),
        ("data", "Cluster/Properties/StorageEncrypted", json!(false), "Cluster"),
        ("data", "Cluster/Properties/BackupRetentionPeriod", json!(7), "Cluster"),
        ("data", "DatabaseParameters/Properties/Parameters/rds.force_ssl", json!("0"), "DatabaseParameters"),
        ("data", "FirstInstance/Properties/PubliclyAccessible", json!(true), "FirstInstance"),
        ("data", "Proxy/Properties/RequireTLS", json!(false), "Proxy"),
        ("data", "Cache/Properties/TransitEncryptionEnabled", json!(false), "Cache"),
        (
            "data",
            "CacheParameters/Properties/Properties/maxmemory-policy",
            json!("allkeys-lru"),
            "CacheParameters",
        ),
        ("data", "SecretsKey/Properties/EnableKeyRotation", json!(false), "SecretsKey"),
        ("data", "RedisSecret/Properties/KmsKeyId", json!(null), "RedisSecret"),
        ("data", "RedisSecret/Properties/SecretString", json!("hunter2"), "RedisSecret"),
        ("data", "BackupBucket/Properties/BucketEncryption", json!(null), "BackupBucket"),
        (
            "data",
            "BackupBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
            json!(false),
            "BackupBucket",
        ),
        ("observability", "AlarmTopic/Properties/KmsMasterKeyId", json!(null), "AlarmTopic"),
    ] {
        noticed(rules::sets_what_every_resource_of_its_kind_sets, &with(stack, pointer, weak), id);
    }
}

#[test]
fn no_stack_loses_or_shows_what_it_keeps() {
    for template in STACKS.values() {
        holds(&rules::answer_over_tls_only(template));
        holds(&rules::let_nobody_in_from_the_internet(template));
    }
    holds(&rules::keep_what_cannot_be_made_again(&STACKS["data"]));
    noticed(rules::answer_over_tls_only, &without("data", "BackupBucketPolicy"), "BackupBucket");
    let open = with("network", "FunctionToProxy/Properties/CidrIp", json!("0.0.0.0/0"));
    noticed(rules::let_nobody_in_from_the_internet, &open, "FunctionToProxy");
    noticed(rules::keep_what_cannot_be_made_again, &without("data", "Cluster/DeletionPolicy"), "Cluster");
    let lock = "BackupBucket/Properties/ObjectLockConfiguration/Rule/DefaultRetention/Mode";
    let governed = with("data", lock, json!("GOVERNANCE"));
    noticed(rules::keep_what_cannot_be_made_again, &governed, "BackupBucket");
    noticed(
        rules::keep_what_cannot_be_made_again,
        &without("data", "SecretsKey/UpdateReplacePolicy"),
        "SecretsKey",
    );
}

#[test]
fn whatever_leaves_the_network_is_encrypted_and_in_production_it_cannot_leave() {
    holds(&rules::lets_out_tls_alone(&STACKS["network"]));
    for (field, value) in [("FromPort", json!(22)), ("ToPort", json!(8080)), ("IpProtocol", json!("-1"))] {
        let pointer = format!("FunctionGroup/Properties/SecurityGroupEgress/2/{field}");
        noticed(rules::lets_out_tls_alone, &with("network", &pointer, value), "FunctionGroup");
    }
    for name in ["staging", "production"] {
        let values = &environment(name)["network"];
        assert!(values["NatGateways"].is_null(), "{name}: the default is none");
    }
    assert_eq!(STACKS["network"].0["Parameters"]["NatGateways"]["Default"], 0);
}

#[test]
fn stacks_meet_at_what_one_publishes_and_the_next_takes() {
    let rule = |name: &str, stacks: &BTreeMap<String, Template>, values: &BTreeMap<String, Value>| {
        rules::are_given_what_those_before_them_publish(stacks, name, values)
    };
    for name in names("infra/environments") {
        holds(&rule(&name, &STACKS, &environment(&name)));
    }
    let mut silent = STACKS.clone();
    silent.insert("data".to_owned(), without("data", "RedisHost"));
    let problems = rule("staging", &silent, &environment("staging"));
    assert!(problems.iter().any(|problem| problem.contains("app takes data/redis-host")), "{problems:?}");
    let mut values = environment("staging");
    values.get_mut("edge").expect("edge")["DomainName"] = json!("api.example.com");
    let problems = rule("staging", &STACKS, &values);
    assert!(problems.iter().any(|problem| problem.contains("DomainName")), "{problems:?}");
}

#[test]
fn the_web_acl_stands_before_the_api_and_refuses_too_much() {
    let edge = &STACKS["edge"];
    holds(&rules::keeps_the_web_acl_before_the_api(edge));
    holds(&rules::limits_addresses_and_bodies(edge));
    noticed(
        rules::keeps_the_web_acl_before_the_api,
        &without("edge", "WebAclAssociation"),
        "WebAclAssociation",
    );
    for (pointer, value) in [
        ("WebAclAssociation/Condition", json!("HasDomain")),
        (
            "WebAclAssociation/Properties/ResourceArn",
            json!("arn:aws:apigateway:eu-west-1::/restapis/a/stages/b"),
        ),
        ("WebAcl/Properties/Rules/-", json!({"Name": "Friends", "Action": {"Allow": {}}})),
    ] {
        noticed(rules::keeps_the_web_acl_before_the_api, &with("edge", pointer, value), "WebAcl");
    }
    let size =
        "WebAcl/Properties/Rules/1/Statement/SizeConstraintStatement/FieldToMatch/Body/OversizeHandling";
    for (pointer, value) in [
        ("WebAcl/Properties/Rules/0/Statement/RateBasedStatement/Limit", json!(601)),
        ("WebAcl/Properties/Rules/0/Action", json!({"Count": {}})),
        (size, json!("CONTINUE")),
        ("WebAcl/Properties/Rules/4/OverrideAction", json!({"Count": {}})),
    ] {
        noticed(rules::limits_addresses_and_bodies, &with("edge", pointer, value), "WebAcl");
    }
}

#[test]
fn static_files_come_from_the_distribution_alone() {
    let rule = rules::serves_files_only_through_the_distribution;
    holds(&rule(&STACKS["edge"]));
    let site = "Site/Properties/DistributionConfig";
    for (broken, id) in [
        (
            without("edge", "SiteFilesPolicy/Properties/PolicyDocument/Statement/0/Condition"),
            "SiteFilesPolicy",
        ),
        (without("edge", &format!("{site}/Origins/0/OriginAccessControlId")), "Site"),
        (with("edge", &format!("{site}/CacheBehaviors/0/ViewerProtocolPolicy"), json!("allow-all")), "Site"),
        (
            with("edge", &format!("{site}/ViewerCertificate/MinimumProtocolVersion"), json!("TLSv1.1_2016")),
            "Site",
        ),
    ] {
        noticed(rule, &broken, id);
    }
}

#[test]
fn nobody_walks_around_our_own_name() {
    holds(&rules::has_one_way_in(&DEPLOYED));
    noticed(rules::has_one_way_in, &without("app", "Api/Properties/Body/servers"), "Api");
}

#[test]
fn new_versions_are_tried_before_they_get_all_the_traffic() {
    holds(&rules::tries_new_versions_first(&DEPLOYED));
    let unhooked =
        without("app", "AuthAliaslive/UpdatePolicy/CodeDeployLambdaAliasUpdate/BeforeAllowTrafficHook");
    noticed(rules::tries_new_versions_first, &unhooked, "AuthAliaslive");
    let at_once = with(
        "app",
        "UsersDeploymentGroup/Properties/DeploymentConfigName",
        json!("CodeDeployDefault.LambdaAllAtOnce"),
    );
    noticed(rules::tries_new_versions_first, &at_once, "UsersAliaslive");
}

#[test]
fn no_more_than_an_hour_can_be_lost() {
    holds(&rules::backs_up_often_enough(&DEPLOYED));
    for broken in [
        with("app", "BackupHalfHourly/Properties/ScheduleExpression", json!("rate(50 minutes)")),
        with("app", "BackupHalfHourly/Properties/State", json!("DISABLED")),
        without("app", "BackupHalfHourly"),
    ] {
        noticed(rules::backs_up_often_enough, &broken, "Backup");
    }
}

#[test]
fn every_alarm_listens_to_what_is_said() {
    let ours = our_metrics();
    let rule = |template: &Template| rules::listens_to_what_is_said(template, &ours);
    for template in STACKS.values() {
        holds(&rule(template));
    }
    for (broken, id) in [
        (with("app", "LastBackupTooOld/Properties/MetricName", json!("BackupAge")), "LastBackupTooOld"),
        (with("app", "LastBackupTooOld/Properties/Dimensions", json!([])), "LastBackupTooOld"),
        (with("app", "LastBackupTooOld/Properties/Dimensions/0/Name", json!("Function")), "LastBackupTooOld"),
        (
            with("app", "LastBackupTooOld/Properties/Dimensions/0/Value", json!({"Ref": "Bakcup"})),
            "LastBackupTooOld",
        ),
        (with("app", "LastBackupTooOld/Properties/Namespace", json!("Arche")), "LastBackupTooOld"),
        (with("app", "ApiFailures/Properties/Dimensions/1/Name", json!("StageName")), "ApiFailures"),
        (with("app", "AuthRollback/Properties/MetricName", json!("AuthErrors")), "AuthRollback"),
        (without("app", "AuthFailures"), "AuthRollback"),
    ] {
        noticed(rule, &broken, id);
    }
}

#[test]
fn every_alarm_tells_someone_what_to_do() {
    let runbooks = names("docs/runbooks");
    let rule = |template: &Template| rules::tells_someone_what_to_do(template, &runbooks);
    for template in STACKS.values() {
        holds(&rule(template));
    }
    for (broken, id) in [
        (without("app", "ApiFailures/Properties/AlarmActions"), "ApiFailures"),
        (with("app", "ApiFailures/Properties/ActionsEnabled", json!(false)), "ApiFailures"),
        (without("app", "AuthDeploymentGroup/Properties/AlarmConfiguration"), "AuthRollback"),
    ] {
        noticed(rule, &broken, id);
    }
    let unwritten = |template: &Template| rules::tells_someone_what_to_do(template, &BTreeSet::new());
    noticed(unwritten, &DEPLOYED, "ApiFailures");
}
