//! The stacks of the account: who may deploy, and what `CloudFormation` may do.

use serde_json::{Value, json};

use crate::template::{Template, each};

/// Actions that AWS supports on no resource (Service Authorization Reference), and that the resources of the stacks need
/// (`handlers` in their schemas).
const ON_NO_RESOURCE: [&str; 5] = [
    "cloudfront:CreateOriginAccessControl",
    "codedeploy:StopDeployment",
    "logs:DescribeIndexPolicies",
    "rds:CreateDBProxy",
    "sns:Unsubscribe",
];
/// Services whose calls count as calls in us-east-1.
const GLOBAL: [&str; 3] = ["cloudfront:", "iam:", "route53:"];
const TAG: &str = "${aws:PrincipalTag/environment}";

fn statements<'a>(template: &'a Template, policy: &str) -> &'a [Value] {
    each(&template.resource(policy, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"])
}

fn all_statements(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    let policies = template.of_type("AWS::IAM::ManagedPolicy").into_iter();
    policies.flat_map(|(id, policy)| {
        each(&policy["Properties"]["PolicyDocument"]["Statement"]).iter().map(move |one| (id, one))
    })
}

/// Whether the statement is about `action`, by its name or by a pattern that ends with `*`.
fn names(statement: &Value, action: &str) -> bool {
    let mut named = each(&statement["Action"]).iter().filter_map(Value::as_str);
    named.any(|named| match named.strip_suffix('*') {
        Some(start) => action.starts_with(start),
        None => named == action,
    })
}

/// The role of an environment trusts the workflows of this environment of the repository with this id only, in both forms of `sub`.
pub fn trusts_the_repository_by_its_id(template: &Template) -> Vec<String> {
    let roles = [
        ("DeployStaging", "staging"),
        ("DeployProduction", "production"),
        ("ProductionChanges", "production-changes"),
    ];
    let wrong = roles.into_iter().filter(|(id, environment)| {
        let trust = &template.resource(id, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"];
        let [statement] = each(trust) else { return true };
        let claims = json!({
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:environment": environment,
            "token.actions.githubusercontent.com:repository_id": { "Ref": "RepositoryId" },
            "token.actions.githubusercontent.com:sub": [
                { "Fn::Sub": format!("repo:${{Repository}}:environment:{environment}") },
                { "Fn::Sub": [
                    format!("repo:${{Owner}}@${{RepositoryOwnerId}}/${{Name}}@${{RepositoryId}}:environment:{environment}"),
                    {
                        "Owner": { "Fn::Select": [0, { "Fn::Split": ["/", { "Ref": "Repository" }] }] },
                        "Name": { "Fn::Select": [1, { "Fn::Split": ["/", { "Ref": "Repository" }] }] },
                    },
                ] },
            ],
        });
        statement["Action"] != "sts:AssumeRoleWithWebIdentity"
            || statement["Condition"] != json!({ "StringEquals": claims })
    });
    wrong.map(|(id, _)| format!("{id}: trusts other workflows than those of its environment")).collect()
}

/// What people and `CloudFormation` may do holds in the regions of the environments, and for global services, which have their own.
pub fn allows_only_the_regions_of_environments(template: &Template) -> Vec<String> {
    let mut problems = Vec::new();
    let everywhere = json!({ "Fn::Split": [",", { "Fn::Sub": "us-east-1,${Regions}" }] });
    for policy in ["Deploying", "RolesMaking", "ShowingChanges"] {
        let denied = statements(template, policy).iter().any(|statement| {
            statement["Effect"] == "Deny"
                && statement["Action"] == "*"
                && statement["Resource"] == "*"
                && statement["Condition"]
                    == json!({ "StringNotEquals": { "aws:RequestedRegion": everywhere } })
        });
        if !denied {
            problems.push(format!("{policy}: holds in every region, or not for global services"));
        }
    }
    let makers = template.of_type("AWS::IAM::Role").into_iter().filter(|(id, _)| id.ends_with("Making"));
    let free = makers.filter(|(_, role)| {
        !each(&role["Properties"]["ManagedPolicyArns"]).contains(&json!({"Ref": "RolesMaking"}))
    });
    problems.extend(free.map(|(id, _)| format!("{id}: holds in every region")));
    let regional = all_statements(template).filter(|(_, statement)| {
        statement["Effect"] == "Allow" && statement["Condition"].to_string().contains("aws:RequestedRegion")
    });
    for (policy, statement) in regional {
        let actions = each(&statement["Action"]).iter().filter_map(Value::as_str);
        let global = actions.filter(|action| GLOBAL.iter().any(|service| action.starts_with(service)));
        problems.extend(global.map(|action| format!("{policy}: {action} is refused outside us-east-1")));
    }
    problems
}

pub fn allows_actions_without_resources_on_all(template: &Template) -> Vec<String> {
    let useless = ON_NO_RESOURCE.into_iter().filter(|action| {
        // The permissions boundary grants nothing.
        !all_statements(template).any(|(policy, statement)| {
            policy != "Boundary"
                && statement["Effect"] == "Allow"
                && statement["Resource"] == "*"
                && names(statement, action)
        })
    });
    let mut problems: Vec<String> =
        useless.map(|action| format!("{action} is allowed on resources, of which it has none")).collect();
    let proxies = statements(template, "DataMaking").iter();
    let proxies = proxies.filter(|one| one["Resource"] == "*" && names(one, "rds:CreateDBProxy"));
    let tagged = json!({ "StringEquals": { "aws:RequestTag/environment": TAG } });
    problems.extend(
        proxies
            .filter(|statement| statement["Condition"] != tagged)
            .map(|_| "rds:CreateDBProxy: also without the tag of the environment".to_owned()),
    );
    problems
}

/// The permissions boundary compares the tag `environment` of a role: a stack can neither remove it nor give another one, and a
/// role without it reaches nothing that has one.
pub fn keeps_the_environment_of_a_role(template: &Template) -> Vec<String> {
    let denied = |actions: &Value, condition: &Value| {
        statements(template, "RolesMaking").iter().any(|statement| {
            statement["Effect"] == "Deny"
                && statement["Action"] == *actions
                && statement["Resource"] == "*"
                && statement["Condition"] == *condition
        })
    };
    let kept = denied(
        &json!("iam:UntagRole"),
        &json!({ "ForAnyValue:StringEquals": { "aws:TagKeys": "environment" } }),
    );
    let other = json!({
        "Null": { "aws:RequestTag/environment": "false" },
        "StringNotEquals": { "aws:RequestTag/environment": TAG },
    });
    let own = denied(&json!(["iam:CreateRole", "iam:TagRole"]), &other);
    let untagged = "${aws:PrincipalTag/environment, 'none'}";
    let bound = statements(template, "Boundary").iter().any(|statement| {
        statement["Effect"] == "Deny"
            && statement["Action"] == "*"
            && statement["Condition"]
                == json!({
                    "Null": { "aws:ResourceTag/environment": "false" },
                    "StringNotEquals": { "aws:ResourceTag/environment": untagged },
                })
    });
    let checks = [
        (kept, "RolesMaking: a role can lose its environment"),
        (own, "RolesMaking: a role can get another environment"),
        (bound, "Boundary: a role without an environment reaches all"),
    ];
    checks.into_iter().filter(|(good, _)| !good).map(|(_, problem)| problem.to_owned()).collect()
}

/// The workflows delete old versions of functions, but no function.
pub fn deletes_versions_only(template: &Template) -> Vec<String> {
    let arn = format!(
        "arn:${{AWS::Partition}}:lambda:*:${{AWS::AccountId}}:function:arches-{}-*:*",
        TAG.replace("${", "${!")
    );
    let deleting = statements(template, "Deploying").iter().filter(|statement| {
        statement["Effect"] == "Allow"
            && each(&statement["Action"])
                .iter()
                .filter_map(Value::as_str)
                .any(|action| action == "lambda:*" || action == "*" || action.starts_with("lambda:Delete"))
    });
    let good: Vec<bool> = deleting
        .map(|one| one["Action"] == "lambda:DeleteFunction" && one["Resource"] == json!({ "Fn::Sub": arn }))
        .collect();
    if good == [true] {
        Vec::new()
    } else {
        vec!["Deploying: deletes more than versions of functions".to_owned()]
    }
}

/// Names of buckets are those of all accounts: objects are read and written only in buckets of this one.
pub fn uses_objects_of_the_account_only(template: &Template) -> Vec<String> {
    let own = json!({ "StringEquals": { "aws:ResourceAccount": { "Ref": "AWS::AccountId" } } });
    let elsewhere = all_statements(template).filter(|(_, statement)| {
        let actions = each(&statement["Action"]);
        statement["Effect"] == "Allow"
            && ["s3:GetObject", "s3:PutObject"].iter().any(|action| actions.contains(&json!(action)))
            && statement["Condition"] != own
    });
    elsewhere
        .map(|(policy, statement)| format!("{policy}: {} in other accounts too", statement["Action"]))
        .collect()
}

/// The setting of API Gateway exists only after the first API or key of an account.
pub fn opens_api_gateway_first(template: &Template) -> Vec<String> {
    let settings = template.of_type("AWS::ApiGateway::Account").into_iter();
    let early = settings.filter(|(_, setting)| {
        let keys = each(&setting["DependsOn"]).iter().filter_map(Value::as_str);
        !keys.map(|id| template.resource(id, "AWS::ApiGateway::ApiKey")).any(|key| key["Enabled"] == false)
    });
    early.map(|(id, _)| format!("{id}: no disabled key before it")).collect()
}

/// The length that IAM allows for a managed policy, without white space.
const MAX_POLICY: usize = 6144;

/// No managed policy is too long, with the longest partition and the longest region.
pub fn fits_the_limit_of_policies(template: &Template) -> Vec<String> {
    let policies = template.of_type("AWS::IAM::ManagedPolicy").into_iter();
    let lengths = policies.map(|(id, policy)| {
        let text = policy["Properties"]["PolicyDocument"].to_string();
        let text =
            text.replace("${AWS::Partition}", "aws-us-gov").replace("${AWS::AccountId}", "123456789012");
        (id, text.chars().filter(|letter| !letter.is_whitespace()).count())
    });
    lengths
        .filter(|(_, length)| *length > MAX_POLICY)
        .map(|(id, length)| format!("{id}: {length} characters, and IAM allows {MAX_POLICY}"))
        .collect()
}
