//! A database with its own buckets: one for backups and one for the erasure ledger.

use std::{
    collections::HashMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_kms::{primitives::Blob, types::MacAlgorithmSpec};
use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{BucketVersioningStatus, VersioningConfiguration},
};
use harness::{Database, runtime_api::Function, service};
use local_stack::{Scratch, Tools};
use serde_json::{Value, json};
use shared::aws::client;
use uuid::Uuid;

/// The limit of a job on a busy machine.
pub const JOB_TIMEOUT: Duration = Duration::from_mins(3);

pub struct BackupStore {
    database: String,
    owner_url: String,
    bucket: String,
    ledger: String,
    tools: Option<Scratch>,
    /// Settings of the jobs that differ from the others.
    settings: HashMap<&'static str, String>,
}

impl BackupStore {
    pub async fn new(database: &Database) -> Self {
        Self::with_ledger(database, format!("l-{}", Uuid::new_v4())).await
    }

    pub async fn with_ledger(database: &Database, ledger: String) -> Self {
        let bucket = format!("b-{}", Uuid::new_v4());
        create_buckets(&bucket, &ledger).await;
        Self {
            database: database.name().to_owned(),
            owner_url: database.owner_url(),
            bucket,
            ledger,
            tools: None,
            settings: HashMap::new(),
        }
    }

    /// Returns a store with the same database and empty buckets, as in another environment.
    pub async fn elsewhere(&self) -> Self {
        let ledger = format!("l-{}", Uuid::new_v4());
        let bucket = format!("b-{}", Uuid::new_v4());
        create_buckets(&bucket, &ledger).await;
        let Self { database, owner_url, .. } = self;
        let (database, owner_url) = (database.clone(), owner_url.clone());
        Self { database, owner_url, bucket, ledger, tools: None, settings: HashMap::new() }
    }

    /// Returns a store with the same backups and an empty ledger.
    pub async fn with_empty_ledger(&self) -> Self {
        let ledger = format!("l-{}", Uuid::new_v4());
        client().await.create_bucket().bucket(&ledger).send().await.expect("a bucket");
        let Self { database, owner_url, bucket, .. } = self;
        Self {
            database: database.clone(),
            owner_url: owner_url.clone(),
            bucket: bucket.clone(),
            ledger,
            tools: None,
            settings: HashMap::new(),
        }
    }

    /// Changes a setting of the jobs.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.settings.insert(name, value.to_owned());
    }

    /// Returns the buckets of the backups and of the ledger.
    pub fn buckets(&self) -> [&str; 2] {
        [&self.bucket, &self.ledger]
    }

    /// Replaces `pg_dump` by a script. In the script, `$real` is the real program.
    pub fn replace_pg_dump(&mut self, script: &str) {
        self.replace("pg_dump", "pg_restore", script);
    }

    /// Replaces `pg_restore` by a script, as [`Self::replace_pg_dump`] does.
    pub fn replace_pg_restore(&mut self, script: &str) {
        self.replace("pg_restore", "pg_dump", script);
    }

    fn replace(&mut self, replaced: &str, other: &str, script: &str) {
        let folder = Scratch::create().expect("a folder");
        let real = postgres_bin();
        let script = format!(
            "#!/bin/sh\nreal='{}'\n[ \"$1\" = --version ] && exec \"$real\" --version\n{script}\n",
            real.join(replaced).display()
        );
        let path = folder.path().join(replaced);
        std::fs::write(&path, script).expect("a script");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a program");
        std::os::unix::fs::symlink(real.join(other), folder.path().join(other)).expect("a link");
        self.tools = Some(folder);
    }

    /// Creates the file `$0.fail`, which the script may check.
    pub fn create_fail_marker(&self) -> PathBuf {
        let marker = self.script_file("fail");
        std::fs::write(&marker, "").expect("a file");
        marker
    }

    /// Returns the path of the file `$0.<name>` of the script.
    pub fn script_file(&self, name: &str) -> PathBuf {
        self.tools.as_ref().expect("a script").path().join(format!("pg_dump.{name}"))
    }

    /// Returns the folder of the script.
    pub fn script_folder(&self) -> &Path {
        self.tools.as_ref().expect("a script").path()
    }

    /// Uses the real `pg_dump` again.
    pub fn reset_pg_dump(&mut self) {
        self.tools = None;
    }

    /// Returns the environment of a job.
    pub fn environment(&self, database_url: String) -> HashMap<String, String> {
        let passed = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let mut environment: HashMap<_, _> =
            passed.into_iter().map(|name| (name.to_owned(), service(name))).collect();
        let tools = self.tools.as_ref().map_or_else(postgres_bin, |folder| folder.path().to_owned());
        for (name, value) in [
            ("NODE_ENV", "test".to_owned()),
            ("LOG_LEVEL", "trace".to_owned()),
            ("DATABASE_URL", database_url),
            ("BACKUP_BUCKET", self.bucket.clone()),
            ("BACKUP_MAC_KEY", service("BACKUP_MAC_KEY")),
            ("ERASURE_BUCKET", self.ledger.clone()),
            ("POSTGRES_BIN", tools.display().to_string()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        environment.extend(self.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        environment
    }

    /// Starts `backup`, with the role that can read everything and change nothing.
    pub async fn backup_function(&self) -> Function {
        let url = service("TEST_BACKUP_URL");
        let (server, _) = url.rsplit_once('/').expect("a URL that ends in a database");
        let url = format!("{server}/{}", self.database);
        Function::start("backup", self.environment(url)).await
    }

    /// Starts `restore-drill`, as the owner.
    pub async fn restore_function(&self) -> Function {
        Function::start("restore-drill", self.environment(self.owner_url.clone())).await
    }

    /// Creates a backup and returns its manifest.
    pub async fn back_up(&self) -> Value {
        let answer = self.backup_function().await.invoke_within(JOB_TIMEOUT, json!({})).await;
        answer.expect("a backup")["manifest"].clone()
    }

    /// Restores the newest backup into `url`.
    pub async fn restore(&self, url: &str) -> Result<Value, String> {
        self.call_restore(json!({ "command": "restore", "target": url })).await
    }

    /// Runs a drill: restores the newest backup into a database that is deleted afterwards.
    pub async fn drill(&self) -> Result<Value, String> {
        self.call_restore(json!({ "command": "drill" })).await
    }

    /// Calls `restore-drill`. Returns its answer, or the reason of its failure.
    pub async fn call_restore(&self, event: Value) -> Result<Value, String> {
        let answer = self.restore_function().await.invoke_within(JOB_TIMEOUT, event).await;
        answer.map_err(|error| error["errorMessage"].as_str().expect("a reason").to_owned())
    }

    /// Returns the URL of another database on the same server.
    pub fn url_of(&self, name: &str) -> String {
        self.owner_url.replace(&self.database, name)
    }

    /// Returns the keys of all objects.
    pub async fn objects(&self) -> Vec<String> {
        let listed = client().await.list_objects_v2().bucket(&self.bucket).send().await.expect("a listing");
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    /// Returns the number of uploads that are neither complete nor aborted.
    pub async fn open_uploads(&self) -> usize {
        let listed = client().await.list_multipart_uploads().bucket(&self.bucket).send().await;
        listed.expect("a listing").uploads().len()
    }

    pub async fn read(&self, key: &str) -> Vec<u8> {
        let object =
            client().await.get_object().bucket(&self.bucket).key(key).send().await.expect("an object");
        object.body.collect().await.expect("its bytes").to_vec()
    }

    pub async fn write(&self, key: &str, bytes: Vec<u8>) {
        let put = client().await.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes));
        put.send().await.expect("written");
    }

    /// Replaces the manifest of the backup `id`, with a MAC: what a compromised `backup` could do.
    pub async fn write_manifest(&self, id: &str, manifest: &Value) {
        let text = manifest.to_string().into_bytes();
        let hash = ring::digest::digest(&ring::digest::SHA256, &text);
        let kms = aws_sdk_kms::Client::new(client::config().await);
        let generate = kms.generate_mac().key_id(service("BACKUP_MAC_KEY")).message(Blob::new(hash.as_ref()));
        let generated = generate.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await.expect("a MAC");
        self.write(&format!("{id}/manifest.mac"), generated.mac.expect("a MAC").into_inner()).await;
        self.write(&format!("{id}/manifest.json"), text).await;
    }

    /// Returns the tags of an object as `<name>=<value>`.
    pub async fn tags(&self, key: &str) -> Vec<String> {
        let got =
            client().await.get_object_tagging().bucket(&self.bucket).key(key).send().await.expect("tags");
        got.tag_set.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()
    }

    /// Returns the ids of all versions of an object.
    pub async fn versions(&self, key: &str) -> Vec<String> {
        let listed = client().await.list_object_versions().bucket(&self.bucket).prefix(key).send().await;
        let listed = listed.expect("a listing");
        listed.versions().iter().filter_map(|version| version.version_id().map(str::to_owned)).collect()
    }

    /// Adds a delete marker. Returns its version.
    pub async fn delete(&self, key: &str) -> String {
        let deleted =
            client().await.delete_object().bucket(&self.bucket).key(key).send().await.expect("removed");
        deleted.version_id.expect("a delete marker")
    }

    /// Deletes a version, or a delete marker.
    pub async fn delete_version(&self, key: &str, version: &str) {
        let delete = client().await.delete_object().bucket(&self.bucket).key(key).version_id(version);
        delete.send().await.expect("removed");
    }
}

impl BackupStore {
    /// Returns the event that copies the newest backup and the ledger of this store.
    pub fn copy_event(&self) -> Value {
        json!({ "command": "copy", "backups": self.bucket, "erasures": self.ledger })
    }

    /// Returns the keys of the ledger.
    pub async fn ledger_keys(&self) -> Vec<String> {
        let listed = client().await.list_objects_v2().bucket(&self.ledger).send().await.expect("a listing");
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    /// Writes an empty object into the ledger.
    pub async fn put_in_ledger(&self, key: &str) {
        client().await.put_object().bucket(&self.ledger).key(key).send().await.expect("written");
    }

    /// Deletes the objects of the ledger whose keys end with `end`, and returns the keys.
    pub async fn delete_from_ledger(&self, end: &str) -> Vec<String> {
        let keys: Vec<_> = self.ledger_keys().await.into_iter().filter(|key| key.ends_with(end)).collect();
        for key in &keys {
            client().await.delete_object().bucket(&self.ledger).key(key).send().await.expect("removed");
        }
        keys
    }

    /// Deletes the ledger with its contents.
    pub async fn delete_ledger(&self) {
        let client = client().await;
        let listed = client.list_objects_v2().bucket(&self.ledger).send().await.expect("a listing");
        for object in listed.contents() {
            let delete = client.delete_object().bucket(&self.ledger).key(object.key().expect("a key"));
            delete.send().await.expect("removed");
        }
        client.delete_bucket().bucket(&self.ledger).send().await.expect("removed");
    }
}

/// Creates a bucket with versions for backups, and one for a ledger.
async fn create_buckets(backups: &str, ledger: &str) {
    for name in [backups, ledger] {
        client().await.create_bucket().bucket(name).send().await.expect("a bucket");
    }
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let version = client().await.put_bucket_versioning().bucket(backups).versioning_configuration(enabled);
    version.send().await.expect("versions");
}

async fn client() -> Client {
    // The services' endpoint and keys are in the environment of the tests.
    Client::new(client::config().await)
}

/// Returns the folder of the real programs.
pub fn postgres_bin() -> PathBuf {
    let dump = Tools::at(service("TEST_TOOLS")).postgres("pg_dump").expect("pg_dump");
    dump.parent().expect("a folder").to_owned()
}
