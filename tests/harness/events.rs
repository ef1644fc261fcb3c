//! Events after the AWS documentation: "Working with AWS Lambda proxy integrations for HTTP APIs" (v2) and "Lambda proxy
//! integrations in API Gateway" (v1).

use data_encoding::BASE64;
use serde_json::{Value, json};

/// Returns the event of a REST API (v1).
#[must_use]
pub fn rest(method: &str, path: &str, headers: &Value, body: Option<&str>, address: &str) -> Value {
    let multi: Value = headers
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| (name.clone(), if value.is_array() { value.clone() } else { json!([value]) }))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let single: Value = headers
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, value)| {
            (name.clone(), value.as_array().map_or(value, |all| &all[all.len() - 1]).clone())
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "resource": "/v1/auth/{proxy+}", "path": path, "httpMethod": method,
        "headers": single, "multiValueHeaders": multi,
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": { "proxy": path.trim_start_matches("/v1/auth/") }, "stageVariables": null,
        "requestContext": {
            "resourceId": "abc123", "resourcePath": "/v1/auth/{proxy+}", "httpMethod": method,
            "extendedRequestId": "request-id", "requestTime": "02/Jan/2026:03:04:05 +0000", "path": format!("/live{path}"),
            "accountId": "123456789012", "protocol": "HTTP/1.1", "stage": "live", "domainPrefix": "api",
            "requestTimeEpoch": 1_767_323_045_000_i64, "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {
                "cognitoIdentityPoolId": null, "accountId": null, "cognitoIdentityId": null, "caller": null,
                "sourceIp": address, "principalOrgId": null, "accessKey": null, "cognitoAuthenticationType": null,
                "cognitoAuthenticationProvider": null, "userArn": null, "userAgent": "curl/8", "user": null
            },
            "domainName": "api.example.com", "apiId": "abcdef1234"
        },
        "body": body, "isBase64Encoded": false
    })
}

/// Returns the event of an HTTP API (v2), with the body in base64.
#[must_use]
pub fn http(method: &str, path: &str, headers: &Value, body: Option<&str>, address: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "cookies": [],
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef1234", "domainName": "api.example.com", "domainPrefix": "api",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": address, "userAgent": "curl/8" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
            "time": "02/Jan/2026:03:04:05 +0000", "timeEpoch": 1_767_323_045_000_i64
        },
        "body": body.map(|body| BASE64.encode(body.as_bytes())), "isBase64Encoded": body.is_some()
    })
}

/// Returns the body of a function's answer.
#[must_use]
pub fn body(answer: &Value) -> Value {
    let text = answer["body"].as_str().unwrap_or_default();
    let decoded = if answer["isBase64Encoded"] == true {
        String::from_utf8(BASE64.decode(text.as_bytes()).expect("base64")).expect("text")
    } else {
        text.to_owned()
    };
    serde_json::from_str(&decoded).unwrap_or(Value::Null)
}
