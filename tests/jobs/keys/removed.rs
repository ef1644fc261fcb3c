//! What `infra/ops rotate --leaked` writes, by `infra/ops/keys.py`, is what `rotate-keys` reads.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use harness::service;
use local_stack::Tools;
use serde_json::{Value, json};
use shared::aws::secret_rotation;

use super::{Keys, STEPS, current, put_current};

/// Prints the secret after an edit, or the ids of its keys: the current one, the next one, the others.
const EDIT: &str = r#"
import json, sys
sys.path.insert(0, sys.argv[1])
import keys, waiting
forms = {"": keys.KeySet(), "refreshSecret": keys.Text("refreshSecret", False), "key": keys.Text("key", True)}
form, edit, document = forms[sys.argv[2]], sys.argv[3], sys.stdin.read()
found = form.parse(document)
now, following = keys.current(found), keys.following(found)
if edit == "ids":
    others = [key.id for key in found if key not in (now, following)]
    print(json.dumps([now.id, following and following.id, others]))
elif edit == "public":
    print(form.public(found))
else:
    edited = {"without next": lambda: keys.without(found, [following]), "promoted": lambda: keys.promoted(found, waiting.now()), "only current": lambda: [now]}
    print(form.render(edited[edit](), document))
"#;

async fn edited(arn: &str, member: &str, edit: &str) -> Value {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/ops");
    let mut python = Command::new(Tools::at(service("TEST_TOOLS")).program("python"));
    python
        .args(["-B", "-c", EDIT])
        .arg(tool)
        .args([member, edit])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut python = python.spawn().expect("python");
    let mut input = python.stdin.take().expect("its input");
    input.write_all(current(arn).await.to_string().as_bytes()).expect("written");
    drop(input);
    let output = python.wait_with_output().expect("an end");
    assert!(output.status.success(), "{member} {edit}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn edit(arn: &str, member: &str, edit: &str) {
    put_current(arn, &edited(arn, member, edit).await).await;
}

/// Rotates, and checks that both sides find the same keys in the same states.
async fn rotate(keys: &Keys, arn: &str, member: &str) {
    let version = keys.begin(arn);
    let mut report = Value::Null;
    for step in STEPS {
        report =
            keys.step(step, arn, &version).await.unwrap_or_else(|error| panic!("{member} {step}: {error}"));
    }
    let found = edited(arn, member, "ids").await;
    assert_eq!(found, json!([report["current"], report["next"], report["previous"]]), "{member}");
}

#[tokio::test]
async fn keys_that_an_operator_removes_leave_a_secret_that_works_and_rotates() {
    let keys = Keys::new().await;
    for (arn, member) in [(&keys.signing, ""), (&keys.auth, "refreshSecret"), (&keys.encryption, "key")] {
        let leaked = edited(arn, member, "ids").await.to_string();
        let session_secret = current(arn).await["sessionSecret"].clone();
        edit(arn, member, "without next").await;
        // At once: without a next key there is no hour to wait for.
        rotate(&keys, arn, member).await;
        edit(arn, member, "promoted").await;
        rotate(&keys, arn, member).await;
        edit(arn, member, "only current").await;
        if member.is_empty() {
            // In one step, as `infra/ops` does. After the two steps of `put_current`, the stand-in would not make current what
            // `rotate-keys` publishes in one step.
            let public = edited(arn, member, "public").await.to_string();
            secret_rotation::put_current(&keys.verification, &public).await.expect("published");
        }
        rotate(&keys, arn, member).await;
        let left = edited(arn, member, "ids").await;
        assert_eq!(left[2], json!([]));
        for id in [&left[0], &left[1]] {
            assert!(!leaked.contains(id.as_str().expect("an id")), "{member}: {id} of {leaked}");
        }
        assert_eq!(current(arn).await["sessionSecret"], session_secret);
    }
}
