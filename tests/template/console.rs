//! What `infra/console.sh` uploads, and when. A stand-in for AWS records its arguments.

use std::{
    fs,
    process::{Command, Output},
};

use local_stack::Scratch;

use crate::{deploy::stand_in, text};

/// An AWS account with an API, and with `$BUCKET`.
const AWS: &str = r#"case "$*" in
*arches-staging-edge*) echo "$BUCKET" ;;
*arches-staging-app*) echo https://api.staging.archesai.com ;;
*' - s3:'*) cat >> "$CALLS" ;;
esac"#;
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

struct Run {
    output: Output,
    calls: Vec<String>,
}

/// Runs a script in a checkout whose console has these `files`.
fn run(script: &str, arguments: &[&str], bucket: &str, files: &[&str]) -> Run {
    let scratch = Scratch::create().expect("a folder");
    let (programs, infra) = (scratch.path().join("bin"), scratch.path().join("infra"));
    let (environment, dist) = (infra.join("environments/staging"), scratch.path().join("web/platform/dist"));
    for folder in [&programs, &environment, &dist] {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(environment.join("edge.yaml"), "").expect("parameters");
    for file in files {
        fs::write(dist.join(file), "").expect("a file");
    }
    for name in ["console.sh", "deploy.sh"] {
        stand_in(&infra, name, "");
    }
    // In the place of its stand-in, if it has one.
    fs::write(infra.join(script), text(&format!("infra/{script}"))).expect("the script");
    stand_in(&programs, "aws", AWS);
    let calls = scratch.path().join("calls");
    fs::write(&calls, "").expect("no calls yet");
    let output = Command::new("sh")
        .arg(infra.join(script))
        .args(arguments)
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("CALLS", &calls)
        .env("BUCKET", bucket)
        .output()
        .expect("sh");
    let calls = fs::read_to_string(calls).expect("the calls");
    Run { output, calls: calls.lines().map(str::to_owned).collect() }
}

#[test]
fn page_is_uploaded_after_all_that_it_names() {
    let run = run("console.sh", &["staging"], "files", &["index.html"]);
    assert!(run.output.status.success(), "{}", String::from_utf8_lossy(&run.output.stderr));
    let uploads: Vec<_> = run.calls.iter().filter(|call| !call.contains("describe-stacks")).collect();
    let [assets, others, config, content, page] = uploads[..] else { panic!("{uploads:?}") };
    assert!(assets.contains("dist/static s3://files/static") && assets.ends_with(IMMUTABLE), "{assets}");
    assert!(others.contains("--exclude static/* --exclude index.html"), "{others}");
    assert!(config.contains("s3://files/config.json"), "{config}");
    assert_eq!(content, r#"{"apiUrl": "https://api.staging.archesai.com"}"#);
    assert!(page.contains("s3://files/index.html"), "{page}");
    for upload in [others, config, page] {
        assert!(upload.ends_with("--cache-control no-cache"), "{upload}");
    }
}

#[test]
fn files_have_the_same_caching_on_a_developers_machine() {
    let server = text("local-stack/console.mjs");
    assert!(server.contains(&format!(r#"static: "{IMMUTABLE}", other: "no-cache""#)), "{server}");
}

#[test]
fn environment_without_static_files_has_no_console() {
    for bucket in ["", "None"] {
        let run = run("console.sh", &["staging"], bucket, &["index.html"]);
        assert!(run.output.status.success(), "{bucket}");
        assert!(run.calls.iter().all(|call| call.contains("describe-stacks")), "{:?}", run.calls);
    }
}

#[test]
fn console_that_is_not_built_is_noticed_before_any_call() {
    let run = run("console.sh", &["staging"], "files", &[]);
    assert!(!run.output.status.success());
    assert!(String::from_utf8_lossy(&run.output.stderr).contains("cargo xtask console"));
    assert!(run.calls.is_empty(), "{:?}", run.calls);
    let unknown = self::run("console.sh", &["mars"], "files", &["index.html"]);
    assert_eq!(unknown.output.status.code(), Some(2));
}

#[test]
fn release_uploads_the_console_after_the_stacks_unless_it_only_shows_changes() {
    let released = run("release.sh", &["staging", "v1.2.3"], "files", &[]);
    let last = released.calls.last().expect("a call");
    assert_eq!((last.as_str(), released.calls.len()), ("console.sh staging", 6), "{:?}", released.calls);
    let shown = run("release.sh", &["staging", "v1.2.3", "--no-execute-changeset"], "files", &[]);
    assert!(shown.output.status.success());
    assert_eq!(shown.calls.len(), 5, "{:?}", shown.calls);
}
