"""infra/ops down: what is removed, what stays, and what is never touched without being asked for."""

import re
import unittest

from account import NUMBER, REGION, Account

ALL = ("network", "data", "observability", "app", "edge")


class Place:
    """An environment with all stacks. `data` retains a bucket, a key, a log group and a snapshot, as its template does."""

    def __init__(self, account: Account, kind: str = "cluster") -> None:
        self.kind, self.logs = kind, f"/aws/rds/{kind}/arches-staging/postgresql"
        self.account, self.deleted, self.broken = account, [], ""
        for stack in ALL:
            account.add_stack(stack)
        account.client("s3").create_bucket(Bucket="backups-1", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
        account.client("logs").create_log_group(logGroupName=self.logs)
        self.rds = account.client("rds")
        if kind == "cluster":
            self.rds.create_db_cluster(
                DBClusterIdentifier="arches-staging", Engine="aurora-postgresql", MasterUsername="owner", MasterUserPassword="x7qx7qx7q", DeletionProtection=True
            )
        else:
            self.create_instance("arches-staging", DeletionProtection=True)
        for logical, kind, physical in (
            ("BackupBucket", "AWS::S3::Bucket", "backups-1"),
            ("DataKey", "AWS::KMS::Key", self.key),
            ("DatabaseLogs", "AWS::Logs::LogGroup", self.logs),
            ("Database", f"AWS::RDS::DB{kind.capitalize()}", "arches-staging"),
            ("Redis", "AWS::ElastiCache::ReplicationGroup", "redis-1"),
        ):
            account.add_resource("data", logical, kind, physical)
        account.on("cloudformation", "update-termination-protection", self.unprotect)
        account.on("cloudformation", "delete-stack", self.delete)
        account.on("cloudformation", "list-stacks", lambda _: {"StackSummaries": [one for one in account.stacks.values() if one["StackStatus"] == "DELETE_COMPLETE"]})
        account.on("cloudformation", "describe-stack-events", lambda _: {"StackEvents": [
            {"LogicalResourceId": "Network", "ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "has dependencies"},
            {"LogicalResourceId": "Auth", "ResourceStatus": "DELETE_COMPLETE"},
        ]})

    def create_instance(self, name: str, **given: bool) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20, MasterUsername="owner", MasterUserPassword="x7qx7qx7q", **given
        )

    def _delete_database(self) -> bool:
        """Deletes the database after a snapshot. Returns whether it was protected."""
        if self.kind == "cluster":
            protected = self.rds.describe_db_clusters(DBClusterIdentifier="arches-staging")["DBClusters"][0]["DeletionProtection"]
            protected or self.rds.delete_db_cluster(DBClusterIdentifier="arches-staging", FinalDBSnapshotIdentifier="arches-staging-data-snapshot-cluster-1")
            return protected
        protected = self.rds.describe_db_instances(DBInstanceIdentifier="arches-staging")["DBInstances"][0]["DeletionProtection"]
        protected or self.rds.delete_db_instance(DBInstanceIdentifier="arches-staging", FinalDBSnapshotIdentifier="arches-staging-data-snapshot-instance-1")
        return protected

    def unprotect(self, given: dict) -> dict:
        self.account._find(given["StackName"])["EnableTerminationProtection"] = given["EnableTerminationProtection"]
        return {}

    def delete(self, given: dict) -> None:
        stack = self.account._find(given["StackName"])
        name = stack["StackName"].removeprefix("arches-staging-")
        if name == self.broken:
            stack["StackStatus"] = "DELETE_FAILED"
            return
        if name == "data":
            # AWS deletes neither a protected stack nor a protected database.
            assert not stack["EnableTerminationProtection"] and not self._delete_database(), "data is protected"
        stays = ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup")
        listed = self.account.resources[stack["StackName"]]
        listed[:] = [(*one[:3], "DELETE_SKIPPED" if one[1] in stays else "DELETE_COMPLETE") for one in listed]
        stack["StackStatus"] = "DELETE_COMPLETE"
        self.deleted.append(name)


class Down(unittest.TestCase):
    def test_data_is_not_touched_without_being_asked_for(self) -> None:
        with Account() as account:
            place = Place(account)
            done = account.run("down", "--yes", "staging")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(place.deleted, ["edge", "app", "observability"])
            self.assertTrue(account.stacks["arches-staging-data"]["EnableTerminationProtection"])
            self.assertEqual(account.made("rds", "modify-db-cluster"), [])
            self.assertIn("arches-staging-data stays: CREATE_COMPLETE", done.out)

    def test_nothing_is_deleted_without_the_right_answer(self) -> None:
        with Account() as account:
            place = Place(account)
            for words in (("down",), ("down", "--data"), ("down", "--data", "--yes", "production")):
                self.assertEqual(account.run(*words).code, 1)
            self.assertEqual(place.deleted, [])
            self.assertIn("The database is deleted with them", account.run("down", "--data").err)

    def test_whole_environment_goes_in_reverse_order_and_what_stays_has_its_commands(self) -> None:
        with Account() as account:
            place = Place(account)
            ssm = account.client("ssm")
            certificate = f"arn:aws:acm:us-east-1:{NUMBER}:certificate/1"
            ssm.put_parameter(Name="/arches/staging/edge/site-certificate", Type="String", Value=certificate)
            ssm.put_parameter(Name="/arches/staging/rolled-back", Type="String", Value="v1")
            place.rds.create_db_cluster(DBClusterIdentifier="arches-staging-20260102t030405z", Engine="aurora-postgresql", MasterUsername="o", MasterUserPassword="x7qx7qx7q")
            done = account.run("down", "--data", "--yes", "staging")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(place.deleted, ["edge", "app", "observability", "data", "network"])
            for command in (
                "aws s3api delete-bucket --bucket backups-1",
                f"aws kms schedule-key-deletion --key-id {place.key} --pending-window-in-days 30",
                "aws logs delete-log-group --log-group-name /aws/rds/cluster/arches-staging/postgresql",
                "aws rds delete-db-cluster-snapshot --db-cluster-snapshot-identifier arches-staging-data-snapshot-cluster-1",
                "aws rds delete-db-cluster --db-cluster-identifier arches-staging-20260102t030405z",
                f"aws acm delete-certificate --region us-east-1 --certificate-arn {certificate}",
                "aws ssm delete-parameter --name /arches/staging/rolled-back",
            ):
                self.assertIn(f"\n{command}", done.out)
            self.assertIn("locked versions cannot be deleted", done.out)
            self.assertNotIn("stays: ", done.out)
            # Redis was deleted with its stack.
            self.assertNotIn("redis-1", done.out)

    def test_instance_is_removed_as_a_cluster_is(self) -> None:
        with Account() as account:
            place = Place(account, "instance")
            place.create_instance("arches-staging-20260102t030405z")
            # moto does not name the resource of an instance.
            kept = [{"DBInstanceIdentifier": f"arches-{name}", "Status": status, "DbiResourceId": f"db-{name}-{status}"} for name in ("staging", "production") for status in ("active", "retained")]
            account.on("rds", "describe-db-instance-automated-backups", lambda _: {"DBInstanceAutomatedBackups": kept})
            done = account.run("down", "--data", "--yes", "staging")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(place.deleted, ["edge", "app", "observability", "data", "network"])
            for command in (
                "aws logs delete-log-group --log-group-name /aws/rds/instance/arches-staging/postgresql",
                "aws rds delete-db-snapshot --db-snapshot-identifier arches-staging-data-snapshot-instance-1",
                "aws rds delete-db-instance-automated-backup --dbi-resource-id db-staging-retained",
                "aws rds modify-db-instance --db-instance-identifier arches-staging-20260102t030405z --no-deletion-protection",
                "aws rds delete-db-instance --db-instance-identifier arches-staging-20260102t030405z --final-db-snapshot-identifier",
            ):
                self.assertIn(f"\n{command}", done.out)
            self.assertIsNone(re.search("db-staging-active|db-production", done.out), done.out)

    def test_database_in_use_after_a_recovery_is_not_left_over(self) -> None:
        for kind in ("cluster", "instance"):
            with self.subTest(kind), Account() as account:
                place = Place(account, kind)
                used, old = "arches-staging-20260102t030405z", "arches-staging-20260101t000000z"
                for name in (used, old):
                    if kind == "cluster":
                        place.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="o", MasterUserPassword="x7qx7qx7q")
                    else:
                        place.create_instance(name)
                account.client("ssm").put_parameter(Name="/arches/staging/data/database-cluster-id", Type="String", Value=used)
                done = account.run("down", "--yes", "staging")
                self.assertEqual(done.code, 0, done)
                self.assertIn(f"aws rds delete-db-{kind} --db-{kind}-identifier {old}", done.out)
                self.assertNotIn(used, done.out)

    def test_copies_in_a_second_region_are_named_once_nothing_uses_them(self) -> None:
        with Account() as account:
            Place(account)
            account.stacks["arches-staging-data"]["Parameters"] = [{"ParameterKey": "ReplicaRegion", "ParameterValue": "eu-central-1"}]
            self.assertNotIn("arches-staging-replica", account.run("down", "--yes", "staging").out)
            done = account.run("down", "--data", "--yes", "staging")
            self.assertEqual(done.code, 0, done)
            self.assertIn("\naws --region eu-central-1 cloudformation delete-stack --stack-name arches-staging-replica\n", done.out)
            self.assertIn("\nAWS_REGION=eu-central-1 python3 infra/ops down --list --environment staging", done.out)

    def test_list_in_the_second_region_names_the_buckets_of_the_copies(self) -> None:
        with Account() as account:
            Place(account)
            account.add_stack("replica", "DELETE_COMPLETE")
            account.add_resource("replica", "ReplicaBackupBucket", "AWS::S3::Bucket", "backups-1", "DELETE_SKIPPED")
            done = account.run("down", "--list")
            self.assertIn("# bucket backups-1 (replica, ReplicaBackupBucket): locked versions", done.out)

    def test_second_run_names_only_what_is_still_there(self) -> None:
        with Account() as account:
            place = Place(account)
            account.run("down", "--data", "--yes", "staging")
            account.client("s3").delete_bucket(Bucket="backups-1")
            account.client("kms").schedule_key_deletion(KeyId=place.key)
            for words in (("--list",), ("--data", "--yes", "staging")):
                done = account.run("down", *words)
                self.assertEqual(done.code, 0, done)
                self.assertIsNone(re.search("backups-1|schedule-key", done.out), done.out)
                self.assertIn("delete-log-group", done.out)
            self.assertEqual(len(place.deleted), 5)

    def test_deletion_that_fails_says_why_and_continues_at_the_next_run(self) -> None:
        with Account() as account:
            place = Place(account)
            place.broken = "app"
            done = account.run("down", "--data", "--yes", "staging")
            self.assertEqual(done.code, 1)
            self.assertIn("arches-staging-app is DELETE_FAILED: Network: has dependencies. Fix the cause and run the same command again", done.err)
            self.assertEqual(place.deleted, ["edge"])
            place.broken = ""
            self.assertEqual(account.run("down", "--data", "--yes", "staging").code, 0)
            self.assertEqual(place.deleted, ["edge", "app", "observability", "data", "network"])

    def test_other_environments_stay(self) -> None:
        with Account() as account:
            place = Place(account)
            account.add_stack("arches-production-app")
            place.rds.create_db_cluster(DBClusterIdentifier="arches-production-2", Engine="aurora-postgresql", MasterUsername="o", MasterUserPassword="x7qx7qx7q")
            done = account.run("down", "--data", "--yes", "staging")
            self.assertEqual(account.stacks["arches-production-app"]["StackStatus"], "CREATE_COMPLETE")
            self.assertNotIn("arches-production", done.out)


if __name__ == "__main__":
    unittest.main()
