//! CloudFormation, as a function that makes a resource of a stack meets it.

use serde_json::{Value, json};

/// A request for a resource of `kind`, whose answer goes where CloudFormation looks for answers.
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

/// What it was told.
#[derive(Debug, Clone)]
pub struct StackResponse {
    /// At which path, with its query.
    pub path: String,
    /// With which content type.
    pub content_type: Option<String>,
    /// The answer.
    pub answer: Value,
}

impl StackResponse {
    /// Whether it succeeded.
    pub fn status(&self) -> &str {
        self.answer["Status"].as_str().expect("a status")
    }

    /// Why it failed.
    pub fn reason(&self) -> &str {
        assert_eq!(self.status(), "FAILED");
        self.answer["Reason"].as_str().expect("a reason")
    }
}
