//! `AWS_*`: variables that the AWS SDK and the Lambda runtime define. They are read where they are used, not by
//! [`super::Config`].

use super::section::{Declared, Section};

/// Name, meaning, and a value for `.env.example` unless only Lambda sets the variable.
const VARIABLES: [(&str, &str, &str); 10] = [
    ("AWS_REGION", "The region. Lambda sets it, and the credentials.", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "Credentials.", "local"),
    ("AWS_SECRET_ACCESS_KEY", "Credentials; a secret.", "local"),
    ("AWS_SESSION_TOKEN", "Credentials; a secret.", ""),
    (
        "AWS_ENDPOINT_URL",
        "The address of all of AWS, or with a suffix `_<SERVICE>` of one service: the local stand-ins. Not set in AWS.",
        "http://127.0.0.1:9004",
    ),
    (
        "AWS_LAMBDA_FUNCTION_NAME",
        "The dimension `function` of the metrics, and the function in spans; `local` without it. Lambda sets it.",
        "",
    ),
    (
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "The function's memory in MiB; without it the metric `MemoryUsed` is not written. Lambda sets it.",
        "",
    ),
    ("AWS_LAMBDA_FUNCTION_VERSION", "The version of the function, in its spans. Lambda sets it.", ""),
    (
        "AWS_LAMBDA_RUNTIME_API",
        "The address of the Lambda runtime API. Lambda sets it; without it a job is a command.",
        "",
    ),
    (
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH",
        "Set in the template: the name of the gateway's stage is not part of the paths.",
        "true",
    ),
];

pub(super) fn section() -> Section {
    let declared = |(name, meaning, example): (&str, &str, &str)| Declared {
        meaning: meaning.to_owned(),
        example: example.to_owned(),
        ..Declared::new(name, "")
    };
    Section {
        name: "Aws",
        about:
            "AWS: read by its SDK and the Lambda runtime; `cargo xtask dev` sets them for the local stand-ins"
                .to_owned(),
        settings: VARIABLES.map(declared).into(),
    }
}
