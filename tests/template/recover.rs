//! What `infra/recover.sh` calls, on stand-ins for AWS and SAM that have a state.

use std::{
    fs,
    process::{Command, Output},
};

use local_stack::Scratch;

use crate::{deploy::stand_in, root};

/// An account whose clusters, parameters, limits and last deployment are files.
const AWS: &str = r#"cd "$STATE"
value_of() { echo "$arguments" | sed -n "s|.*--$1 \([^ ]*\).*|\1|p"; }
missing() { echo "An error occurred ($1) when calling an operation" >&2; exit 254; }
arguments="$*"
case "$arguments" in
*get-caller-identity*) echo arn:aws:sts::123456789012:assumed-role/operator/me ;;
"apigateway get-stage "*) cat rate ;;
"apigateway update-stage "*) echo "$arguments" | sed 's|.*rateLimit,value=\([^ ]*\).*|\1|' > rate ;;
"ssm get-parameter "*)
    [ ! -e denied ] || missing AccessDeniedException
    file=parameter$(value_of name | tr / _)
    [ -e "$file" ] || missing ParameterNotFound
    cat "$file" ;;
"ssm put-parameter "*) echo "$arguments" | sed 's|.*--value \(.*\) --query.*|\1|' > "parameter$(value_of name | tr / _)" ;;
"cloudformation describe-stacks "*RestoreDrillFunction*) echo arches-drill ;;
"cloudformation describe-stacks "*DatabaseName*) echo arches ;;
"cloudformation describe-stacks "*StageRateLimit*) echo 500 ;;
"cloudformation describe-stacks "*StageBurstLimit*) echo 1000 ;;
"rds restore-db-cluster-to-point-in-time "*) touch "cluster-$(value_of db-cluster-identifier)" ;;
"rds create-db-instance "*) touch "instance-$(value_of db-instance-identifier)" ;;
"rds modify-db-cluster "*) touch "secret-$(value_of db-cluster-identifier)" ;;
"rds restore-db-instance-to-point-in-time "*) touch "instance-$(value_of target-db-instance-identifier)" ;;
"rds modify-db-instance "*) touch "secret-$(value_of db-instance-identifier)" ;;
"rds describe-db-instances "*)
    id=$(value_of db-instance-identifier)
    [ -e "instance-$id" ] || missing DBInstanceNotFound
    case "$arguments" in
    *SecretStatus*) [ ! -e "secret-$id" ] || echo active ;;
    *SecretArn*) if [ -e "secret-$id" ]; then echo "arn-of-$id"; else echo None; fi ;;
    *DBInstanceStatus*) echo available ;;
    *Endpoint.Address*) echo "$id.example" ;;
    *VpcSecurityGroups*) printf 'sg-1\tsg-2\n' ;;
    *) echo "its-own" ;;
    esac ;;
"rds describe-db-clusters "*)
    id=$(value_of db-cluster-identifier)
    [ -e "cluster-$id" ] || missing DBClusterNotFoundFault
    case "$arguments" in
    *SecretStatus*) [ ! -e "secret-$id" ] || echo active ;;
    *SecretArn*) if [ -e "secret-$id" ]; then echo "arn-of-$id"; else echo None; fi ;;
    *0\].Status*) echo available ;;
    *0\].Endpoint*) echo "$id.example" ;;
    *) echo "its-own" ;;
    esac ;;
"rds wait "*) ;;
"lambda invoke "*) if [ -e refuses ]; then echo Unhandled; else echo None; fi ;;
*) echo "unexpected: $arguments" >&2; exit 1 ;;
esac"#;

const MOMENT: &str = "2026-01-02T03:04:05Z";
const NEW: &str = "arches-staging-20260102t030405z";

/// Its folder, and the environment that is recovered.
struct Account(Scratch, &'static str);

impl Account {
    /// Creates an account in which the app uses the cluster `arches-staging`, and the API is open.
    fn new() -> Self {
        Self::of("staging", "cluster")
    }

    /// Creates an account in which the app uses the database `arches-<environment>`, a cluster or an instance.
    fn of(environment: &'static str, kind: &str) -> Self {
        let account = Self(Scratch::create().expect("a folder"), environment);
        for program in ["sam", "curl"] {
            stand_in(account.0.path(), program, "");
        }
        stand_in(account.0.path(), "aws", AWS);
        for (file, text) in [("calls", ""), ("rate", "500.0")] {
            account.set(file, text);
        }
        for name in [format!("{kind}-arches-{environment}"), format!("secret-arches-{environment}")] {
            account.set(&name, "");
        }
        account.set(&format!("parameter_arches_{environment}_app_api-id"), "api1");
        let database = format!("parameter_arches_{environment}_data_database-cluster-id");
        account.set(&database, &format!("arches-{environment}"));
        account
    }

    fn set(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).expect("a file");
    }

    fn get(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).expect("a file").trim().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("sh")
            .arg(root().join("infra/recover.sh"))
            .arg(self.1)
            .args(arguments)
            .env("PATH", format!("{}:/usr/bin:/bin", self.0.path().display()))
            .env("CALLS", self.0.path().join("calls"))
            .env("STATE", self.0.path())
            .env("AWS_REGION", "eu-west-1")
            .env("RECOVER_TRIES", "2")
            .env("RECOVER_DELAY", "0")
            .output()
            .expect("sh")
    }

    fn succeed(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Checks that the command fails and says `why`, and that it neither changes a cluster nor deploys.
    fn refuse(&self, arguments: &[&str], why: &str) {
        self.set("calls", "");
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(why), "{arguments:?}: {error}");
        for change in ["sam ", "aws rds restore", "aws rds create", "aws rds modify"] {
            assert!(!self.get("calls").contains(change), "{}", self.get("calls"));
        }
    }

    /// Returns the number of calls that contain `text`.
    fn count(&self, text: &str) -> usize {
        self.get("calls").lines().filter(|call| call.contains(text)).count()
    }
}

#[test]
fn recovery_lets_nobody_in_before_the_erasures_are_repeated() {
    let account = Account::new();
    account.succeed(&["close"]);
    account.succeed(&["cluster", MOMENT]);
    account.succeed(&["switch", "v1.2.3+2"]);
    assert_eq!(account.get("parameter_arches_staging_data_database-cluster-id"), NEW);
    assert_eq!(account.get("parameter_arches_staging_data_database-cluster"), format!("{NEW}.example"));
    assert_eq!(account.get("parameter_arches_staging_data_database-owner-secret"), format!("arn-of-{NEW}"));
    assert_eq!(account.get("rate"), "0");
    account.refuse(&["open"], "infra/recover.sh staging replay");
    account.succeed(&["replay"]);
    assert_eq!(account.count(&format!("\"target\": \"arches\", \"since\": \"{MOMENT}\"}}")), 1);
    account.succeed(&["open"]);
    assert_eq!(account.get("rate"), "500");
}

#[test]
fn instance_is_recovered_as_a_cluster_is() {
    let account = Account::of("small", "instance");
    for command in [&["close"][..], &["cluster", MOMENT], &["switch", "v1.2.3+2"], &["replay"], &["open"]] {
        account.succeed(command);
        account.succeed(command);
    }
    let new = "arches-small-20260102t030405z";
    for (parameter, value) in [
        ("database-cluster-id", new.to_owned()),
        ("database-cluster", format!("{new}.example")),
        ("database-proxy", format!("{new}.example")),
        ("database-owner-secret", format!("arn-of-{new}")),
    ] {
        assert_eq!(account.get(&format!("parameter_arches_small_data_{parameter}")), value, "{parameter}");
    }
    for (change, times) in [
        ("aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier arches-small --", 1),
        ("--vpc-security-group-ids sg-1 sg-2 ", 1),
        ("aws rds modify-db-instance", 1),
        ("db-cluster-identifier", 0),
    ] {
        assert_eq!(account.count(change), times, "{change}: {}", account.get("calls"));
    }
    assert_eq!(account.get("rate"), "500");
}

#[test]
fn every_command_of_a_recovery_can_be_repeated() {
    let account = Account::new();
    for command in [&["close"][..], &["cluster", MOMENT], &["switch", "v1"], &["replay", "erase"], &["open"]]
    {
        account.succeed(command);
        account.succeed(command);
        if command[0] == "switch" {
            account.succeed(&["cluster", MOMENT]);
        }
    }
    for (change, times) in [
        ("aws rds restore-db-cluster-to-point-in-time", 1),
        ("aws rds create-db-instance", 2),
        ("aws rds modify-db-cluster", 1),
        ("--source-db-cluster-identifier arches-staging --", 1),
        ("\"unconfirmed\": \"erase\"}", 2),
    ] {
        assert_eq!(account.count(change), times, "{change}: {}", account.get("calls"));
    }
}

#[test]
fn nothing_is_recovered_while_the_api_is_open() {
    let account = Account::new();
    for command in [&["cluster", MOMENT][..], &["switch", "v1"], &["replay"]] {
        account.refuse(command, "the API is open: infra/recover.sh staging close");
    }
}

#[test]
fn steps_out_of_order_are_refused() {
    let account = Account::new();
    account.succeed(&["close"]);
    account.refuse(&["switch", "v1"], "no recovery is in progress");
    account.refuse(&["replay"], "no recovery is in progress");
    account.succeed(&["cluster", MOMENT]);
    account.refuse(&["replay"], "infra/recover.sh staging switch");
    // Nothing was switched: the recovery can be given up.
    account.succeed(&["open"]);
}

#[test]
fn failed_replay_keeps_the_api_closed() {
    let account = Account::new();
    for command in [&["close"][..], &["cluster", MOMENT], &["switch", "v1"]] {
        account.succeed(command);
    }
    account.set("refuses", "");
    assert!(!account.run(&["replay"]).status.success());
    account.refuse(&["open"], "erased people would be back");
}

#[test]
fn unreadable_account_ends_a_recovery() {
    let account = Account::new();
    account.succeed(&["close"]);
    account.set("denied", "");
    account.refuse(&["cluster", MOMENT], "AccessDenied");
    account.refuse(&["open"], "AccessDenied");
}

#[test]
fn invalid_commands_are_refused_before_any_call() {
    let account = Account::new();
    for arguments in [
        &[][..],
        &["reopen"],
        &["close", "now"],
        &["cluster"],
        &["cluster", "yesterday"],
        &["cluster", "2026-01-02T03:04:05+01:00"],
        &["switch", "--guided"],
        &["replay", "maybe"],
        &["replay", "erase", "keep"],
    ] {
        let output = account.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("lets requests in again"));
    }
    assert!(account.get("calls").is_empty());
}
