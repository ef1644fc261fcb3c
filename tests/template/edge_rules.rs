//! The rules of the edge: the web ACL, and static files. Each rule is also shown to fail.

use std::process::Command;

use harness::service;
use local_stack::Tools;
use serde_json::{Value, json};

use crate::{
    assert_no_problems,
    deployed::{STACKS, assert_noticed, with, without},
    environment, names, rules,
    template::Template,
    text,
};

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
        ("WebAcl/Properties/Rules/0/Action", json!({"Allow": {}})),
        (size, json!("CONTINUE")),
        ("WebAcl/Properties/Rules/0/Priority", json!(20)),
        ("WebAcl/Properties/Rules/0/RuleLabels", json!([{"Name": "many-requests"}])),
        ("WebAcl/Properties/Rules/5/Action/Block/CustomResponse/ResponseCode", json!(403)),
        ("WebAcl/Properties/Rules/9/Action", json!({"Count": {}})),
        ("WebAcl/Properties/Rules/12/OverrideAction", json!({"Count": {}})),
    ] {
        assert_noticed(rules::limits_addresses_and_bodies, &with("edge", pointer, value), "WebAcl");
    }
}

#[test]
fn only_small_is_without_a_web_acl() {
    for name in names("infra/environments") {
        let used = &environment(&name)["edge"]["UseWebAcl"];
        assert_eq!(used, if name == "small" { "false" } else { "true" }, "{name}");
    }
}

#[test]
fn browser_shows_the_answers_of_the_web_acl_to_listed_origins() {
    let rule = rules::answers_pages_of_listed_origins;
    assert_no_problems(&rule(&STACKS["edge"]));
    let rules = "WebAcl/Properties/Rules";
    let first = format!("{rules}/2/Action/Block/CustomResponse/ResponseHeaders");
    let third = format!("{rules}/8/Fn::If/1");
    for (broken, about) in [
        (with("edge", &format!("{first}/-"), json!({"Name": "X-More", "Value": "1"})), "too many headers"),
        (with("edge", &first, json!([{"Name": "Access-Control-Allow-Origin", "Value": "*"}])), "origin 0"),
        (
            with("edge", &format!("{rules}/5/Action/Block/CustomResponse/ResponseHeaders"), json!([])),
            "TooManyRequests",
        ),
        (
            with("edge", &format!("{third}/Action"), json!({"Count": {}})),
            "origin 2 cannot read the answer body-too-large",
        ),
        (
            with(
                "edge",
                &format!(
                    "{third}/Statement/AndStatement/Statements/1/ByteMatchStatement/PositionalConstraint"
                ),
                json!("CONTAINS"),
            ),
            "origin 2",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

/// Members of bodies that people write: passwords, names, and texts.
const WRITTEN: [&str; 10] = [
    "content",
    "currentPassword",
    "description",
    "name",
    "newPassword",
    "password",
    "query",
    "reason",
    "text",
    "title",
];

/// Returns the paths with a body that people write, and the other paths, with a UUID for each parameter.
fn paths_by_body() -> (Vec<String>, Vec<String>) {
    let document: Value = serde_json::from_str(&text("openapi.json")).expect("openapi.json");
    let schemas = &document["components"]["schemas"];
    let is_written = |operation: &Value| {
        let body = operation["requestBody"]["content"].to_string();
        let names = schemas.as_object().into_iter().flatten();
        let mut used = names.filter(|(name, _)| body.contains(&format!("/schemas/{name}\"")));
        let has = |schema: &str| WRITTEN.iter().any(|member| schema.contains(&format!("\"{member}\":{{")));
        has(&body) || used.any(|(_, schema)| has(&schema.to_string()))
    };
    let id = "01987c1e-0000-7000-8000-0000000000aa";
    let filled = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let (mut written, mut other) = (Vec::new(), Vec::new());
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let is_text = operations.as_object().expect("operations").values().any(is_written);
        if is_text {
            written.push(filled(path));
        } else if !path.starts_with("/v1/auth/") {
            other.push(filled(path));
        }
    }
    (written, other)
}

/// Whether one of the `patterns` is in `path`. Python has the syntax of WAF.
fn is_found(patterns: &[&str], path: &str) -> bool {
    let mut python = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
    let code = "import re, sys; sys.exit(not any(re.search(one, sys.argv[1]) for one in sys.argv[2:]))";
    let status = python.args(["-c", code, path]).args(patterns).status().expect("python starts");
    status.success()
}

#[test]
fn web_acl_blocks_no_password_name_or_text() {
    let (mut written, other) = paths_by_body();
    assert!(written.contains(&"/v1/auth/login".to_owned()), "{written:?}");
    assert!(other.iter().any(|path| path.ends_with("/members")), "{other:?}");
    written.push("/account/reset-password".to_owned());
    let id = "01987c1e-0000-7000-8000-0000000000aa";
    for end in [
        "search",
        "artifacts",
        "labels",
        &format!("artifacts/{id}"),
        "conversations",
        &format!("conversations/{id}/answers"),
    ] {
        written.push(format!("/v1/organizations/{id}/{end}"));
    }
    let rule = |template: &Template| {
        rules::blocks_bodies_without_text(template, (written.as_slice(), other.as_slice()), is_found)
    };
    assert_no_problems(&rule(&STACKS["edge"]));

    let rules = "WebAcl/Properties/Rules";
    let overrides = "Statement/ManagedRuleGroupStatement/RuleActionOverrides";
    let paths = format!(
        "{rules}/13/Statement/AndStatement/Statements/1/NotStatement/Statement/OrStatement/Statements"
    );
    for (broken, about) in [
        (with("edge", &format!("{rules}/12/{overrides}"), json!([])), "GenericLFI_BODY blocks passwords"),
        (without("edge", &format!("{rules}/11/{overrides}")), "Log4JRCE_BODY blocks passwords"),
        (
            with(
                "edge",
                &format!("{rules}/13/Statement/AndStatement/Statements/0/OrStatement/Statements"),
                json!([]),
            ),
            "CrossSiteScripting_BODY blocks nothing",
        ),
        (with("edge", &format!("{rules}/13/Action"), json!({"Count": {}})), "no rule BodyContent"),
        (with("edge", &format!("{rules}/13/Priority"), json!(3)), "BodyContent: not after"),
        (with("edge", &paths, json!([])), "may block a text at /v1/auth/login"),
        (
            with(
                "edge",
                &format!("{paths}/1/RegexMatchStatement/RegexString/Fn::Sub"),
                json!("^(/${ApiStage})?/v1/organizations"),
            ),
            "does not protect /v1/organizations/01987c1e-0000-7000-8000-0000000000aa/members",
        ),
        (
            with("edge", &format!("{paths}/2/RegexMatchStatement/RegexString"), json!("^/v1/conversations$")),
            "may block a text at /v1/organizations/01987c1e-0000-7000-8000-0000000000aa/artifacts",
        ),
        (
            with("edge", &format!("{paths}/2/RegexMatchStatement/RegexString"), json!("^/v1/conversations$")),
            "may block a text at /v1/organizations/01987c1e-0000-7000-8000-0000000000aa/search",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn environment_can_do_without_static_files() {
    let rule = rules::makes_a_distribution_only_if_asked;
    assert_no_problems(&rule(&STACKS["edge"]));
    for id in ["Site", "SiteFiles", "SiteCaching"] {
        assert_noticed(rule, &without("edge", &format!("{id}/Condition")), id);
    }
    assert_noticed(rule, &with("edge", "SiteRecords/Condition", json!("HasSiteDomain")), "SiteRecords");
}

#[test]
fn pages_run_their_own_scripts_and_connect_to_our_services_only() {
    let rule = rules::limits_what_pages_do;
    assert_no_problems(&rule(&STACKS["edge"]));
    let headers = "SiteHeaders/Properties/ResponseHeadersPolicyConfig";
    let policy =
        format!("{headers}/SecurityHeadersConfig/ContentSecurityPolicy/ContentSecurityPolicy/Fn::Sub");
    let sub = STACKS["edge"].0.pointer(&format!("/Resources/{policy}")).expect("a policy").clone();
    let changed = |from: &str, to: &str| {
        let text = sub.to_string().replacen(from, to, 1);
        with("edge", &policy, text.parse().expect("JSON"))
    };
    for (broken, about) in [
        (changed("script-src 'self'", "script-src 'self' 'unsafe-inline'"), "another policy"),
        (changed("trusted-types 'none'", "trusted-types default"), "another policy"),
        (changed("default-src 'none'; ", ""), "another policy"),
        (changed("https://${DomainName}", "https://*"), "other places"),
        (without("edge", &format!("{headers}/SecurityHeadersConfig")), "no Content-Security-Policy"),
        (without("edge", &format!("{headers}/CustomHeadersConfig")), "share a process"),
        (
            with("edge", &format!("{headers}/CustomHeadersConfig/Items/2/Value"), json!("usb=(self)")),
            "devices",
        ),
        (
            without(
                "edge",
                "Site/Properties/DistributionConfig/DefaultCacheBehavior/ResponseHeadersPolicyId",
            ),
            "some files",
        ),
    ] {
        assert_noticed(rule, &broken, about);
    }
}

#[test]
fn new_page_is_used_at_once() {
    let rule = rules::asks_for_newer_pages;
    assert_no_problems(&rule(&STACKS["edge"]));
    let policy = "SiteCaching/Properties/CachePolicyConfig";
    for member in ["MinTTL", "DefaultTTL"] {
        assert_noticed(rule, &with("edge", &format!("{policy}/{member}"), json!(60)), "SiteCaching");
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
