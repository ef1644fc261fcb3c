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

/// Connections that PostgreSQL and RDS keep for themselves.
const KEPT_CONNECTIONS: u64 = 5;

/// Without a proxy, each instance of a function holds a connection. The instances of a replaced version hold theirs for a while, so
/// there are twice as many. `values` are the parameters of the app in an environment without a proxy.
pub fn has_a_connection_for_each_instance(app: &Template, data: &Template, values: &Value) -> Vec<String> {
    let parameters = &data.resource("InstanceParameters", "AWS::RDS::DBParameterGroup")["Parameters"];
    let most = parameters["max_connections"].as_str().and_then(|number| number.parse::<u64>().ok());
    let mut problems = Vec::new();
    let mut held = 0;
    for f in app.functions().iter().filter(|f| f.environment().contains_key("DATABASE_URL")) {
        let reserved = f.get("/ReservedConcurrentExecutions");
        let parameter = reserved["Fn::If"][1]["Ref"].as_str().unwrap_or_default();
        match reserved.as_u64().or_else(|| values[parameter].as_u64()) {
            Some(instances) => held += instances,
            None => problems.push(format!("{}: may have any number of instances", f.id)),
        }
    }
    if most.unwrap_or_default() < 2 * held + KEPT_CONNECTIONS {
        problems.push(format!("InstanceParameters: {most:?} connections, and {held} instances"));
    }
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
