//! Requests of CloudFormation for a custom resource, and the responses.

use serde_json::{Value, json};

/// Returns a request for a resource of the type `kind`, with a response URL of CloudFormation.
pub fn request(request: &str, kind: &str) -> Value {
    let mut event = json!({
        "RequestType": request,
        "ResponseURL":
            "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/arn%3Aaws%3Aa%7Cb?X-Amz-Signature=c%2Fd",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/arches-test-app/1",
        "RequestId": "7d2b8a5e-0000-4000-8000-000000000001",
        "ResourceType": kind,
        "LogicalResourceId": "Created",
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:made",
        "ResourceProperties": { "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:made", "AppVersion": "1" },
    });
    if request != "Create" {
        event["PhysicalResourceId"] = json!("made earlier");
    }
    event
}

/// A response that CloudFormation got.
#[derive(Debug, Clone)]
pub struct StackResponse {
    /// The path with its query.
    pub path: String,
    pub content_type: Option<String>,
    pub answer: Value,
}

impl StackResponse {
    pub fn status(&self) -> &str {
        self.answer["Status"].as_str().expect("a status")
    }

    /// Returns the reason of a failure.
    pub fn reason(&self) -> &str {
        assert_eq!(self.status(), "FAILED");
        self.answer["Reason"].as_str().expect("a reason")
    }
}
