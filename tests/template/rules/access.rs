//! Permissions and secrets of a function.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{check_functions, problem_unless};
use crate::template::{Template, each, secret, with_everything};

/// Parts of names of variables whose values must be references to secrets.
const SECRET: [&str; 7] = ["_URL", "SECRET", "KEY", "PASSWORD", "TOKEN", "CREDENTIAL", "_DSN"];
/// Names that look like secrets and are not: addresses without credentials, and the names of keys.
const PUBLIC: [&str; 9] = [
    "API_URL",
    "APP_URL",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_SESV2",
    "BACKUP_KMS_KEY",
    "BACKUP_MAC_KEY",
    "EXTRACT_QUEUE_URL",
    "INDEX_QUEUE_URL",
    "OPENAI_BASE_URL",
];
/// Secrets that only these functions may read.
const RESERVED: [(&str, &[&str]); 14] = [
    ("SigningKeysSecret", &["Auth", "RotateKeys"]),
    ("AuthSecret", &["Auth", "RotateKeys"]),
    ("EncryptionSecret", &["Artifacts", "Auth", "Chat", "Oauth", "Organizations", "Retention", "RotateKeys"]),
    ("DatabaseOwnerSecret", &["Migrate", "RestoreDrill"]),
    ("DatabaseBackupSecret", &["Backup", "Migrate"]),
    ("DatabaseRetentionSecret", &["Migrate", "Retention"]),
    ("ProxyApiSecret", &["Migrate"]),
    ("ProxyApiAlternateSecret", &["Migrate"]),
    ("ProxyRetentionSecret", &["Migrate"]),
    ("ProxyRetentionAlternateSecret", &["Migrate"]),
    ("OauthSecret", &["Oauth"]),
    ("ModelSecret", &["Answers", "Index", "Search"]),
    ("MonitoringSecret", &["Observe"]),
    ("SmokeSecret", &["Smoke"]),
];
/// The keys of a policy statement in which a wildcard can be.
const GRANTS: [&str; 5] = ["Action", "NotAction", "Resource", "NotResource", "Principal"];

pub fn has_a_role_that_names_every_action_and_resource(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let role = format!("{}Role", f.id);
        let managed = &template.resource(&role, "AWS::IAM::Role")["ManagedPolicyArns"];
        let statements = f.statements(template);
        let exact = |statement: &&Value| {
            ["NotAction", "NotResource"].iter().all(|key| statement[*key].is_null())
                && ["Action", "Resource"]
                    .iter()
                    .flat_map(|key| each(&statement[*key]))
                    .all(|value| !value.is_null() && !value.to_string().contains('*'))
        };
        problem_unless(
            *f.get("/Role") == json!({ "Fn::GetAtt": [role, "Arn"] })
                && f.get("/Policies").is_null()
                && each(managed).iter().all(|policy| policy["Ref"].is_string())
                && !statements.is_empty()
                && statements.iter().all(exact),
            "no role of its own, or one with a wildcard",
        )
    })
}

/// `text` is the source of the template, with comments.
pub fn explains_every_wildcard(template: &Template, text: &str) -> Vec<String> {
    let explained = text.lines().zip(text.lines().skip(1)).filter(|(above, line)| {
        above.trim_start().starts_with("# ")
            && line.contains('*')
            && GRANTS.iter().any(|key| line.trim_start().starts_with(&format!("{key}: ")))
    });
    let (granted, explained) = (wildcards(&template.0).len(), explained.count());
    let problem = format!("{granted} wildcards, {explained} with a reason above");
    problem_unless(granted == explained, &problem).into_iter().collect()
}

/// Returns all wildcards of policies anywhere in `value`.
fn wildcards(value: &Value) -> Vec<&Value> {
    let within: Vec<&Value> = match value {
        Value::Object(members) => members.values().flat_map(wildcards).collect(),
        Value::Array(items) => items.iter().flat_map(wildcards).collect(),
        _ => Vec::new(),
    };
    let statements = each(&value["Statement"]).iter().filter(|statement| statement.is_object());
    let open = statements.flat_map(|statement| GRANTS.iter().flat_map(|key| each(&statement[*key])));
    open.filter(|granted| granted.to_string().contains('*')).chain(within).collect()
}

pub fn reads_exactly_the_secrets_it_is_given(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let given: BTreeSet<&str> = f.environment().into_values().filter_map(secret).collect();
        let readable: BTreeSet<&str> = f
            .statements(template)
            .into_iter()
            .filter(|statement| {
                each(&statement["Action"]).iter().any(|a| *a == "secretsmanager:GetSecretValue")
            })
            .flat_map(|statement| each(&statement["Resource"]))
            .map(|resource| with_everything(resource)["Ref"].as_str().unwrap_or("something else"))
            .collect();
        let trespass =
            RESERVED.iter().any(|(name, readers)| readable.contains(name) && !readers.contains(&f.id));
        let managed = &template.resource(&format!("{}Role", f.id), "AWS::IAM::Role")["ManagedPolicyArns"];
        let decrypts = each(managed).contains(&json!({ "Ref": "SecretsAccess" }));
        problem_unless(
            given == readable && !trespass && decrypts != given.is_empty(),
            &format!("given {given:?}, may read {readable:?}"),
        )
    })
}

/// Whether `value` is a URL without user name and password, with a host that another stack publishes.
fn is_address(value: &Value) -> bool {
    let url = value["Fn::Sub"].as_str().and_then(|url| url.split_once("://${"));
    url.is_some_and(|(scheme, rest)| {
        ["postgresql", "rediss"].contains(&scheme) && !rest.contains(['@', '?', ':'])
    })
}

/// `text` is the source of the template.
pub fn holds_no_secret(template: &Template, text: &str) -> Vec<String> {
    let mut problems = check_functions(template, |f| {
        let literal = f.environment().into_iter().find(|(name, value)| {
            !PUBLIC.contains(name)
                && SECRET.iter().any(|part| name.contains(part))
                && secret(value).is_none()
                && !is_address(value)
        });
        literal.map(|(name, _)| format!("{name} is not a reference to a secret"))
    });
    if text.contains("{{resolve:secretsmanager") || text.contains("{{resolve:ssm-secure") {
        problems.push("a resolved secret can be read with the configuration".to_owned());
    }
    for (name, parameter) in template.section("Parameters") {
        let read =
            parameter["Type"].as_str().is_some_and(|kind| kind.starts_with("AWS::SSM::Parameter::Value"));
        if name.ends_with("Secret") && !(read && parameter["Default"].is_null()) {
            problems.push(format!("{name} is not the ARN that another stack publishes"));
        }
    }
    problems
}
