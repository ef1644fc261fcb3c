//! Clients that are generated from `openapi.json` compile, and can call the API.

use std::{fs, os::unix::fs::symlink, path::Path};

use harness::{PASSWORD, TestApp};
use local_stack::Scratch;
use tokio::process::Command;

use crate::schemathesis::{DOCUMENT, succeeds, tool, tools};

const EMAIL: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn client_in_typescript_compiles_and_works() {
    let scratch = Scratch::create().expect("a folder");
    let folder = scratch.path();
    write(folder, "client.ts", include_str!("clients/client.ts"));
    write(folder, "tsconfig.json", include_str!("clients/tsconfig.json"));
    write(folder, "package.json", r#"{ "type": "module" }"#);
    symlink(tools().npm_folder().join("node_modules"), folder.join("node_modules")).expect("a link");

    let mut generate = npm_program("openapi-typescript", folder);
    generate.args([DOCUMENT, "--output", "schema.d.ts"]);
    succeeds(generate).await;
    succeeds(npm_program("tsc", folder)).await;

    let mut call = Command::from(tools().node().expect("Node"));
    call.arg("client.ts");
    works(call, folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_in_python_compiles_and_works() {
    let scratch = Scratch::create().expect("a folder");
    let folder = scratch.path();
    write(folder, "client.py", include_str!("clients/client.py"));
    // Formatting what it has generated would cost a second.
    write(folder, "config.yaml", "post_hooks: []");

    let mut generate = tool("openapi-python-client");
    generate.current_dir(folder).args(["generate", "--path", DOCUMENT, "--output-path", "api_client"]);
    generate.args(["--meta", "none", "--config", "config.yaml", "--fail-on-warning"]);
    succeeds(generate).await;
    let mut compile = tool("python");
    compile.current_dir(folder).args(["-m", "compileall", "-q", "api_client"]);
    succeeds(compile).await;

    let mut call = tool("python");
    call.arg("client.py");
    works(call, folder).await;
}

/// Asserts that `call` signs someone up and prints the e-mail address of the profile.
async fn works(mut call: Command, folder: &Path) {
    let app = TestApp::new().await;
    let server = app.serve().await;
    call.current_dir(folder).args([server.url(), EMAIL, PASSWORD]).kill_on_drop(true);
    assert_eq!(succeeds(call).await.trim(), EMAIL);
    let calls: Vec<_> =
        server.served().into_iter().map(|(_, path, status)| (path, status.as_u16())).collect();
    assert_eq!(calls, [("/v1/auth/register".to_owned(), 201), ("/v1/auth/me".to_owned(), 200)]);
}

fn npm_program(name: &str, folder: &Path) -> Command {
    let mut command = Command::from(tools().npm_program(name).expect("Node"));
    command.current_dir(folder).kill_on_drop(true);
    command
}

fn write(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join(name), content).expect("a file");
}
