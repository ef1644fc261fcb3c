//! A region is lost: what `infra/stacks/data.yaml` copies to another one is enough to bring the system up there.
//!
//! The stand-in for S3 keeps rules of replication, but copies nothing. So the test copies what the rules name, and no other object.

use std::{collections::HashMap, fs, path::Path};

use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use aws_sdk_s3::{
    config::Region,
    types::{
        BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
    },
};
use aws_sdk_secretsmanager::types::ReplicaRegionType;
use chrono::TimeDelta;
use data_encoding::BASE64;
use harness::{Database, SecondFactor, TestApp};
use serde_json::{Value, json};
use serde_yaml_ng as yaml;
use shared::{
    aws::client,
    domain::clock::{Clock, SystemClock},
};
use uuid::Uuid;

use crate::backup_store::BackupStore;

const SECOND: &str = "eu-central-1";

/// The stack `data`, as it is written. Tags such as `!If` are transparent: `!If [HasReplica, a, b]` has `a` at 1.
fn data_stack() -> yaml::Value {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let text = fs::read_to_string(workspace.join("infra/stacks/data.yaml")).expect("the template");
    yaml::from_str(&text).expect("YAML")
}

/// Returns the properties of the resources of a type, by id.
fn resources<'a>(stack: &'a yaml::Value, kind: &str) -> Vec<(&'a str, &'a yaml::Value)> {
    let all = stack["Resources"].as_mapping().expect("resources").iter();
    let found = all.filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
    found.map(|(id, resource)| (id.as_str().expect("an id"), &resource["Properties"])).collect()
}

/// Returns the rules of a bucket for replication, which a test may change.
fn rules_of<'a>(stack: &'a mut yaml::Value, bucket: &str) -> &'a mut yaml::Value {
    &mut stack["Resources"][bucket]["Properties"]["ReplicationConfiguration"][1]["Rules"]
}

async fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(client::config().await)
}

async fn s3_there() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(client::config().await).region(Region::new(SECOND));
    aws_sdk_s3::Client::from_conf(config.build())
}

async fn secrets_of(region: &'static str) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(client::config().await);
    aws_sdk_secretsmanager::Client::from_conf(config.region(Region::new(region)).build())
}

/// Returns the ARNs of a key for MACs: of its primary in the second region, and of its replica in this one.
async fn mac_key(first: &str) -> (String, String) {
    let config = aws_sdk_kms::config::Builder::from(client::config().await).region(Region::new(SECOND));
    let kms = aws_sdk_kms::Client::from_conf(config.build());
    let create = kms.create_key().multi_region(true).key_spec(KeySpec::Hmac256);
    let made = create.key_usage(KeyUsageType::GenerateVerifyMac).send().await.expect("a key");
    let primary = made.key_metadata.expect("its metadata");
    // The stand-in takes the id; AWS takes an ARN too.
    let replicate = kms.replicate_key().key_id(&primary.key_id).replica_region(first);
    let replica = replicate.send().await.expect("a replica").replica_key_metadata.expect("its metadata");
    (primary.arn.expect("an ARN"), replica.arn.expect("an ARN"))
}

/// The first region, with a backup, and an erasure after it.
struct First {
    /// Has the database.
    _app: TestApp,
    store: BackupStore,
    /// The key of the MACs, in the second region.
    mac_key: String,
    /// Begins the names of the secrets.
    folder: String,
    bob: String,
    ada: String,
    factor: SecondFactor,
}

fn random_key() -> String {
    BASE64.encode(&[Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat())
}

async fn first_region() -> First {
    let region = client::config().await.region().expect("a region").to_string();
    let (mac_key, own_mac_key) = mac_key(&region).await;
    let (folder, ledger) = (format!("lost-{}", Uuid::new_v4()), format!("l-{}", Uuid::new_v4()));
    let (session, encryption) = (random_key(), random_key());
    let manager = aws_sdk_secretsmanager::Client::new(client::config().await);
    for (name, value) in
        [("auth", json!({ "sessionSecret": session })), ("encryption", json!({ "key": encryption }))]
    {
        let create = manager.create_secret().name(format!("{folder}/{name}"));
        create.secret_string(value.to_string()).send().await.expect("a secret");
    }
    let settings: [(&str, &str); 3] =
        [("ERASURE_BUCKET", &ledger), ("SESSION_SECRET", &session), ("ENCRYPTION_KEY", &encryption)];
    let app = TestApp::with(&settings).await;
    app.clock.advance(SystemClock.now() - TimeDelta::minutes(10) - app.clock.now());
    let mut store = BackupStore::with_ledger(&app.database, ledger.clone()).await;
    store.set("BACKUP_MAC_KEY", &own_mac_key);
    let (bob, ada) = (app.verified_person("Bob").await, app.verified_person("Ada").await);
    let factor = bob.add_authenticator().await;
    store.back_up().await;
    app.clock.advance(SystemClock.now() - app.clock.now());
    let grace = app.administrator("Grace").await;
    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);
    let (bob, ada) = (bob.email.clone(), ada.email.clone());
    First { _app: app, store, mac_key, folder, bob, ada, factor }
}

/// Copies what the rules of the stack name into new buckets of the second region. Returns those of the backups and of the ledger.
async fn copy_objects(first: &First, stack: &yaml::Value) -> [String; 2] {
    let copies = ["b", "l"].map(|kind| format!("{kind}-copy-{}", Uuid::new_v4()));
    let place = BucketLocationConstraint::from(SECOND);
    for copy in &copies {
        let place = CreateBucketConfiguration::builder().location_constraint(place.clone()).build();
        let create = s3_there().await.create_bucket().bucket(copy).create_bucket_configuration(place);
        create.send().await.expect("a bucket");
        // S3 replicates only into a bucket with versions.
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let version = s3_there().await.put_bucket_versioning().bucket(copy).versioning_configuration(enabled);
        version.send().await.expect("versions");
    }
    let [backups, ledger] = first.store.buckets();
    let buckets = HashMap::from([
        ("BackupBucket", backups),
        ("ErasureBucket", ledger),
        ("${ReplicaBackupBucket}", &*copies[0]),
        ("${ReplicaErasureBucket}", &*copies[1]),
    ]);
    for (id, bucket) in resources(stack, "AWS::S3::Bucket") {
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        let is_kms = encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str() == Some("aws:kms");
        let rules = bucket["ReplicationConfiguration"][1]["Rules"].as_sequence().into_iter().flatten();
        for rule in rules.filter(|rule| rule["Status"].as_str() == Some("Enabled")) {
            // S3 leaves out objects that are encrypted with a key of KMS, unless the rule names them.
            let reads = &rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"]["Status"];
            if is_kms && reads.as_str() != Some("Enabled") {
                continue;
            }
            let target =
                rule["Destination"]["Bucket"].as_str().expect("an ARN").rsplit(':').next().expect("a name");
            let prefix = rule["Filter"]["Prefix"].as_str().expect("a prefix");
            copy_bucket(buckets[id], prefix, buckets[target]).await;
        }
    }
    copies
}

async fn copy_bucket(from: &str, prefix: &str, to: &str) {
    let client = s3().await;
    let listed = client.list_objects_v2().bucket(from).prefix(prefix).send().await.expect("a listing");
    for key in listed.contents().iter().map(|object| object.key().expect("a key")) {
        let object = client.get_object().bucket(from).key(key).send().await.expect("an object");
        client
            .put_object()
            .bucket(to)
            .key(key)
            .body(object.body.collect().await.expect("its bytes").into_bytes().into())
            .send()
            .await
            .expect("written");
    }
}

/// Copies the secrets that the stack copies.
async fn copy_secrets(first: &First, stack: &yaml::Value) {
    let manager = aws_sdk_secretsmanager::Client::new(client::config().await);
    for (_, secret) in resources(stack, "AWS::SecretsManager::Secret") {
        let name = secret["Name"].as_str().expect("a name").rsplit(['/', '}']).next().expect("its last part");
        if secret["ReplicaRegions"][1][0]["Region"].as_str() == Some("ReplicaRegion")
            && ["auth", "encryption"].contains(&name)
        {
            let copy = manager.replicate_secret_to_regions().secret_id(format!("{}/{name}", first.folder));
            let copy = copy.add_replica_regions(ReplicaRegionType::builder().region(SECOND).build());
            copy.send().await.expect("a copy");
        }
    }
}

/// Deletes every backup and the ledger of the first region.
async fn lose(first: &First) {
    let client = s3().await;
    for bucket in first.store.buckets() {
        let listed = client.list_objects_v2().bucket(bucket).send().await.expect("a listing");
        for object in listed.contents() {
            let delete = client.delete_object().bucket(bucket).key(object.key().expect("a key"));
            delete.send().await.expect("deleted");
        }
    }
}

/// Restores the newest backup in the second region, from copies alone. Returns the database, or the reason of the refusal.
async fn restore(first: &First, [backups, ledger]: [String; 2]) -> Result<Database, String> {
    let mut there = first.store.elsewhere().await;
    there.set("AWS_REGION", SECOND);
    there.set("BACKUP_MAC_KEY", &first.mac_key);
    let copied =
        there.call_restore(json!({ "command": "copy", "backups": backups, "erasures": ledger })).await?;
    let database = Database::create_empty().await;
    let restore = json!({
        "command": "restore",
        "backup": copied["backup"],
        "manifestSha256": copied["manifestSha256"],
        "target": database.owner_url(),
    });
    there.call_restore(restore).await?;
    Ok(database)
}

/// Returns a member of a secret in the second region. A secret that is not there gets a new value, as an empty one does.
async fn secret_there(first: &First, name: &str, member: &str) -> String {
    let get = secrets_of(SECOND)
        .await
        .get_secret_value()
        .secret_id(format!("{}/{name}", first.folder))
        .send()
        .await;
    let Ok(found) = get else { return random_key() };
    let value: Value = serde_json::from_str(found.secret_string().expect("a text")).expect("JSON");
    value[member].as_str().expect("a member").to_owned()
}

/// Starts the functions on the restored database, with the secrets of the second region.
async fn start(first: &First, database: Database) -> TestApp {
    let session = secret_there(first, "auth", "sessionSecret").await;
    let encryption = secret_there(first, "encryption", "key").await;
    let app = TestApp::on(database, &[("SESSION_SECRET", &session), ("ENCRYPTION_KEY", &encryption)]);
    app.clock.advance(SystemClock.now() + TimeDelta::minutes(1) - app.clock.now());
    app
}

/// Bob signs in twice: with his authenticator app, and with a recovery code. Returns the two statuses.
async fn sign_in_twice(first: &First, app: &TestApp) -> [u16; 2] {
    let code = app.next_code(&first.factor.app);
    let mut statuses = [0; 2];
    for (status, (member, value)) in
        statuses.iter_mut().zip([("code", &code), ("recoveryCode", &first.factor.recovery_codes[0])])
    {
        let token = app.challenge(&first.bob).await;
        *status = app.client().answer_challenge(&token, member, value).await.status.as_u16();
    }
    statuses
}

#[tokio::test]
async fn system_comes_up_in_the_second_region_from_its_copies_alone() {
    let (first, stack) = (first_region().await, data_stack());
    let copies = copy_objects(&first, &stack).await;
    copy_secrets(&first, &stack).await;
    lose(&first).await;

    let database = restore(&first, copies).await.expect("restored");

    let users: String = database.value("SELECT string_agg(email, ' ') FROM users").await;
    assert!(users.contains(&first.bob) && !users.contains(&first.ada), "{users}");
    let app = start(&first, database).await;
    assert_eq!(sign_in_twice(&first, &app).await, [201, 201]);
}

#[tokio::test]
async fn rule_that_forgets_objects_is_noticed() {
    let first = first_region().await;
    let encrypted: yaml::Value =
        yaml::from_str("{ SseKmsEncryptedObjects: { Status: Disabled } }").expect("YAML");
    for (bucket, member, value, refusal) in [
        // The identity of the ledger is in ledger/.
        ("ErasureBucket", "Filter", yaml::from_str("{ Prefix: '2' }").expect("YAML"), "is not the ledger of"),
        ("ErasureBucket", "Status", "Disabled".into(), "is not the ledger of"),
        ("BackupBucket", "Status", "Disabled".into(), "there is no backup"),
        ("BackupBucket", "Filter", yaml::from_str("{ Prefix: '1999' }").expect("YAML"), "there is no backup"),
        ("BackupBucket", "SourceSelectionCriteria", encrypted, "there is no backup"),
    ] {
        let mut stack = data_stack();
        rules_of(&mut stack, bucket)[0][member] = value;
        let copies = copy_objects(&first, &stack).await;
        let Err(error) = restore(&first, copies).await else { panic!("{bucket}, {member}: restored") };
        assert!(error.contains(refusal), "{bucket}, {member}: {error}");
    }
}

#[tokio::test]
async fn sign_in_needs_the_copied_secrets() {
    for (forgotten, statuses) in [("EncryptionSecret", [false, true]), ("AuthSecret", [true, false])] {
        let (first, mut stack) = (first_region().await, data_stack());
        stack["Resources"][forgotten]["Properties"]["ReplicaRegions"] = yaml::Value::Null;
        let copies = copy_objects(&first, &stack).await;
        copy_secrets(&first, &stack).await;
        let database = restore(&first, copies).await.expect("restored");
        let app = start(&first, database).await;
        let signed_in = sign_in_twice(&first, &app).await.map(|status| status == 201);
        assert_eq!(signed_in, statuses, "without {forgotten}");
    }
}
