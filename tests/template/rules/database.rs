//! The database: its version, its time limits, and the secrets of its proxy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::template::Template;

/// The second name of a login, as `migrate` makes it (`functions/migrate/src/logins.rs`).
const ALTERNATE: &str = "_alternate";

/// `major` is the major version of the local server.
pub fn runs_the_local_major_version(template: &Template, major: &str) -> Vec<String> {
    let version = &template.0["Parameters"]["EngineVersion"];
    let pattern = format!(r"{major}\.\d+");
    let default = version["Default"].as_str().unwrap_or_default();
    let mut problems = Vec::new();
    if version["AllowedPattern"] != pattern || !default.starts_with(&format!("{major}.")) {
        problems.push(format!("EngineVersion is not {major}"));
    }
    let groups = template.of_type("AWS::RDS::DBClusterParameterGroup").into_iter();
    let other =
        groups.filter(|(_, group)| group["Properties"]["Family"] != format!("aurora-postgresql{major}"));
    problems.extend(other.map(|(id, _)| format!("{id}: not of the family of PostgreSQL {major}")));
    let groups = template.of_type("AWS::RDS::DBParameterGroup").into_iter();
    let other = groups.filter(|(_, group)| group["Properties"]["Family"] != format!("postgres{major}"));
    problems.extend(other.map(|(id, _)| format!("{id}: not of the family of PostgreSQL {major}")));
    let alone = |instance: &Value| instance["Properties"]["DBClusterIdentifier"].is_null();
    let instances = template.of_type("AWS::RDS::DBInstance").into_iter();
    let fixed = instances.filter(|(_, instance)| {
        let properties = &instance["Properties"];
        alone(instance)
            && (properties["EngineVersion"] != json!({"Ref": "EngineVersion"})
                || properties["DBParameterGroupName"] != json!({"Ref": "InstanceParameters"}))
    });
    problems.extend(fixed.map(|(id, _)| format!("{id}: not of this version and group")));
    let clusters = template.of_type("AWS::RDS::DBCluster").into_iter();
    let fixed = clusters.filter(|(_, cluster)| {
        let properties = &cluster["Properties"];
        properties["EngineVersion"] != json!({"Ref": "EngineVersion"})
            || properties["DBClusterParameterGroupName"] != json!({"Ref": "DatabaseParameters"})
    });
    problems.extend(fixed.map(|(id, _)| format!("{id}: not of this version and group")));
    problems
}

/// `limits` are those of the local server, in ms.
pub fn limits_sessions_as_locally(template: &Template, limits: &[(&str, u32)]) -> Vec<String> {
    let kinds = ["AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBParameterGroup"];
    let groups = kinds.into_iter().flat_map(|kind| template.of_type(kind));
    let checks = groups.flat_map(|(id, group)| {
        limits.iter().filter_map(move |(setting, ms)| {
            let (value, ms) = (&group["Properties"]["Parameters"][*setting], ms.to_string());
            (*value != *ms).then(|| format!("{id}: {setting} is {value}, and locally {ms}"))
        })
    });
    checks.collect()
}

/// The proxy reads both names of each login, each from a secret that no rotation changes. `rotated` are the resources of the
/// secrets that a rotation changes.
pub fn reads_both_names_of_each_login(template: &Template, rotated: &[&str]) -> Vec<String> {
    let username = |secret: &str| -> Option<String> {
        let generated = &template.resource(secret, "AWS::SecretsManager::Secret")["GenerateSecretString"];
        let document: Value = serde_json::from_str(generated["SecretStringTemplate"].as_str()?).ok()?;
        Some(document["username"].as_str()?.to_owned())
    };
    let proxies = template.of_type("AWS::RDS::DBProxy").into_iter();
    let checks = proxies.flat_map(|(id, proxy)| {
        let auth = proxy["Properties"]["Auth"].as_array().into_iter().flatten();
        let secrets: Vec<&str> = auth.filter_map(|auth| auth["SecretArn"]["Ref"].as_str()).collect();
        let names: BTreeSet<String> = secrets.iter().filter_map(|secret| username(secret)).collect();
        let alone = names.iter().filter(|name| {
            let other =
                name.strip_suffix(ALTERNATE).map_or_else(|| format!("{name}{ALTERNATE}"), str::to_owned);
            !names.contains(&other)
        });
        let mut problems: Vec<String> =
            alone.map(|name| format!("{id}: has {name}, and not its other name")).collect();
        let known = names.len() == secrets.len() && !names.is_empty();
        problems.extend((!known).then(|| format!("{id}: reads a secret without a name, or one twice")));
        let changing = secrets.iter().filter(|secret| rotated.contains(secret));
        problems.extend(changing.map(|secret| format!("{id}: a rotation changes the name in {secret}")));
        problems
    });
    checks.collect()
}
