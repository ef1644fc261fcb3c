//! The rules of the stacks of the account. Each rule is also shown to fail.

use serde_json::{Value, json};

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    rules,
    template::{Template, each},
};

/// Returns the index of the statement of `policy` that `is_it`.
fn index(policy: &str, is_it: impl Fn(&Value) -> bool) -> usize {
    let policy = STACKS["account"].resource(policy, "AWS::IAM::ManagedPolicy");
    each(&policy["PolicyDocument"]["Statement"]).iter().position(is_it).expect("the statement")
}

/// Returns the stack with another value in the statement of `policy` that `is_it`.
fn changed(policy: &str, is_it: impl Fn(&Value) -> bool, member: &str, value: Value) -> Template {
    let statement = index(policy, is_it);
    with("account", &format!("{policy}/Properties/PolicyDocument/Statement/{statement}/{member}"), value)
}

#[test]
fn only_workflows_of_the_repository_deploy_and_only_their_environment() {
    let rule = rules::trusts_the_repository_by_its_id;
    assert_no_problems(&rule(&STACKS["account"]));
    let claims = "Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals";
    let claim = |name: &str| format!("{claims}/token.actions.githubusercontent.com:{name}");
    let old = json!({ "Fn::Sub": "repo:${Repository}:environment:staging" });
    for (broken, id) in [
        (with("account", &format!("DeployStaging/{}", claim("sub")), old), "DeployStaging"),
        (without("account", &format!("DeployStaging/{}", claim("repository_id"))), "DeployStaging"),
        (without("account", &format!("DeployProduction/{}", claim("environment"))), "DeployProduction"),
        (
            with("account", &format!("DeployProduction/{}", claim("environment")), json!("staging")),
            "DeployProduction",
        ),
        (without("account", &format!("DeployProduction/{}", claim("aud"))), "DeployProduction"),
        (
            with("account", &format!("ProductionChanges/{}", claim("environment")), json!("staging")),
            "ProductionChanges",
        ),
    ] {
        assert_noticed(rule, &broken, id);
    }
}

#[test]
fn permissions_hold_in_the_regions_of_environments_and_for_global_services() {
    let rule = rules::allows_only_the_regions_of_environments;
    assert_no_problems(&rule(&STACKS["account"]));
    let of_region = |statement: &Value| {
        statement["Effect"] == "Deny" && statement["Condition"].to_string().contains("aws:RequestedRegion")
    };
    let of_route53 =
        |statement: &Value| statement["Action"].to_string().contains("route53:AssociateVPCWithHostedZone");
    let one = json!({ "StringEquals": { "aws:RequestedRegion": { "Ref": "AWS::Region" } } });
    let no_global =
        json!({ "StringNotEquals": { "aws:RequestedRegion": { "Fn::Split": [",", { "Ref": "Regions" }] } } });
    for (broken, about) in [
        (changed("RolesMaking", of_region, "Condition", no_global), "RolesMaking: holds in every region"),
        (changed("Deploying", of_region, "Effect", json!("Allow")), "Deploying: holds in every region"),
        (
            changed("NetworkMaking", of_route53, "Condition", one),
            "route53:AssociateVPCWithHostedZone is refused",
        ),
        (
            with("account", "StagingMaking/Properties/ManagedPolicyArns", json!([{ "Ref": "AppMaking" }])),
            "StagingMaking",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn actions_without_resources_are_allowed_on_all() {
    let rule = rules::allows_actions_without_resources_on_all;
    assert_no_problems(&rule(&STACKS["account"]));
    for (policy, action) in [
        ("DataMaking", "rds:CreateDBProxy"),
        ("AppMaking", "codedeploy:StopDeployment"),
        ("AppMaking", "logs:DescribeIndexPolicies"),
        ("AppMaking", "sns:Unsubscribe"),
    ] {
        let is_it = |statement: &Value| each(&statement["Action"]).iter().any(|named| named == action);
        let named = json!({ "Fn::Sub": "arn:${AWS::Partition}:rds:*:${AWS::AccountId}:*:*" });
        assert_noticed(rule, &changed(policy, is_it, "Resource", named), action);
    }
    let is_it = |statement: &Value| statement["Action"] == "rds:CreateDBProxy";
    assert_noticed(rule, &changed("DataMaking", is_it, "Condition", json!({})), "without the tag");
}

#[test]
fn role_keeps_its_environment() {
    let rule = rules::keeps_the_environment_of_a_role;
    assert_no_problems(&rule(&STACKS["account"]));
    let untag = |statement: &Value| statement["Action"] == "iam:UntagRole" && statement["Effect"] == "Deny";
    let tag = |statement: &Value| {
        statement["Effect"] == "Deny" && statement["Action"].to_string().contains("iam:TagRole")
    };
    let bound = |statement: &Value| statement["Condition"].to_string().contains("'none'");
    let without_default = json!({
        "Null": { "aws:ResourceTag/environment": "false" },
        "StringNotEquals": { "aws:ResourceTag/environment": "${aws:PrincipalTag/environment}" },
    });
    for (broken, about) in [
        (changed("RolesMaking", untag, "Effect", json!("Allow")), "lose"),
        (changed("RolesMaking", tag, "Action", json!(["iam:TagRole"])), "another"),
        (changed("Boundary", bound, "Condition", without_default), "without an environment"),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn workflows_delete_versions_of_functions_only() {
    let rule = rules::deletes_versions_only;
    assert_no_problems(&rule(&STACKS["account"]));
    let is_it = |statement: &Value| statement["Action"] == "lambda:DeleteFunction";
    let functions =
        "arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:arches-${!aws:PrincipalTag/environment}-*";
    for (member, value) in [("Resource", json!({ "Fn::Sub": functions })), ("Action", json!("lambda:*"))] {
        assert_noticed(rule, &changed("Deploying", is_it, member, value), "Deploying");
    }
}

#[test]
fn objects_are_read_and_written_in_buckets_of_the_account_only() {
    let rule = rules::uses_objects_of_the_account_only;
    assert_no_problems(&rule(&STACKS["account"]));
    let of_console = |statement: &Value| {
        statement["Action"] == "s3:PutObject" && statement["Resource"].to_string().contains("sitefiles")
    };
    let of_builds = |statement: &Value| statement["Action"].to_string().contains("s3:GetObject\"");
    for value in [Value::Null, json!({ "StringEquals": { "aws:ResourceAccount": "*" } })] {
        assert_noticed(rule, &changed("Deploying", of_console, "Condition", value.clone()), "Deploying");
        assert_noticed(rule, &changed("ShowingChanges", of_builds, "Condition", value), "ShowingChanges");
    }
}

#[test]
fn setting_of_api_gateway_waits_for_the_first_key_of_the_account() {
    let rule = rules::opens_api_gateway_first;
    assert_no_problems(&rule(&STACKS["region"]));
    for broken in [
        without("region", "Gateway/DependsOn"),
        without("region", "GatewayOpening"),
        with("region", "GatewayOpening/Properties/Enabled", json!(true)),
    ] {
        assert_noticed(rule, &broken, "Gateway");
    }
}

#[test]
fn every_policy_fits_the_limit_of_iam() {
    let rule = rules::fits_the_limit_of_policies;
    for template in STACKS.values() {
        assert_no_problems(&rule(template));
    }
    let long = json!({ "Effect": "Allow", "Action": "a".repeat(6144), "Resource": "b" });
    let broken = with("account", "AppMaking/Properties/PolicyDocument/Statement/-", long);
    assert_noticed(rule, &broken, "AppMaking");
}
