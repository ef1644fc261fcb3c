"""infra/ops restore: the environment to a moment, a backup, and a deleted organization."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import unittest

from account import ROOT, Account, Site, error
from environments import App

MOMENT = "2026-01-02T03:04:05Z"
NEW = "arches-staging-20260102t030405z"
YES = ("--yes", "staging")
MOVE = ("moment", MOMENT, "--version", "v1.2.3+2", *YES)
ORGANIZATION = "0197c0de-0000-7000-8000-000000000000"


# As AWS describes an instance of `small`.
INSTANCE = {
    "DBInstanceClass": "db.t4g.micro", "StorageType": "gp3", "MaxAllocatedStorage": 100, "MultiAZ": False, "IAMDatabaseAuthenticationEnabled": True,
    "DBSubnetGroup": {"DBSubnetGroupName": "subnets"}, "DBParameterGroups": [{"DBParameterGroupName": "group"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}, {"VpcSecurityGroupId": "sg-2"}],
}  # fmt: skip


def _secret(name: str, status: str) -> dict:
    return {"SecretArn": f"arn-of-{name}", "SecretStatus": status, "KmsKeyId": "secrets-key"}


class Cloud:
    """`with Cloud() as cloud:` an account in which the app uses the cluster `arches-staging` and the API is open; of `small`, an instance. The
    tool is a copy of the project's, with a build, and with a deploy.sh that records its words."""

    def __init__(self, environment: str = "staging") -> None:
        self.environment = environment

    def __enter__(self) -> Cloud:
        self.account = Account(self.environment).__enter__()
        self.site = Site({"/ready": (200, {})}).__enter__()
        App(self.account, self.site, functions=["migrate", "restore-drill", "retention"])
        stack = self.account.stacks[f"arches-{self.environment}-app"]
        for name, value in (("StageRateLimit", "500"), ("StageBurstLimit", "1000"), ("DatabaseName", "arches")):
            stack["Parameters"].append({"ParameterKey": name, "ParameterValue": value})
        self.rate, self.limits = 500.0, []
        self.parameters = self.account.client("ssm")
        for name, value in (("app/api-id", "api1"), ("data/database-cluster-id", f"arches-{self.environment}")):
            self.parameters.put_parameter(Name=f"/arches/{self.environment}/{name}", Value=value, Type="String")
        self.clusters = {"arches-staging": self._cluster("arches-staging", "active")}
        self.instances: dict[str, dict] = {"arches-small": {**INSTANCE, "DBInstanceStatus": "available", "MasterUserSecret": _secret("arches-small", "active")}}
        self.invoked: list[tuple[str, dict]] = []
        self.results: dict[str, list] = {}
        for service, operation, handler in (
            ("apigateway", "get-stage", lambda _: {"methodSettings": {"*/*": {"throttlingRateLimit": self.rate}}}),
            ("apigateway", "update-stage", self._throttle),
            ("rds", "describe-db-clusters", self._describe),
            ("rds", "describe-db-instances", self._describe_instance),
            ("rds", "describe-db-instance-automated-backups", self._describe_backups),
            ("rds", "restore-db-cluster-to-point-in-time", self._restore),
            ("rds", "restore-db-instance-to-point-in-time", self._restore_instance),
            ("rds", "create-db-instance", self._create),
            ("rds", "modify-db-cluster", self._manage_password),
            ("rds", "modify-db-instance", self._manage_password_of_instance),
            ("lambda", "invoke", self._invoke),
        ):
            self.account.on(service, operation, handler)
        self.folder = self.account.folder / "project"
        shutil.copytree(ROOT / "infra/ops", self.folder / "infra/ops", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "infra/environments", self.folder / "infra/environments")
        self.build = self.folder / ".aws-sam/build/template.yaml"
        self.build.parent.mkdir(parents=True)
        self.build.touch()
        self.deployed = self.account.folder / "deployed"
        self.deploy_with("")
        self.account.command = lambda *words: [sys.executable, "-B", str(self.folder / "infra/ops"), *words]
        return self

    def __exit__(self, *_: object) -> None:
        self.site.__exit__()
        self.account.__exit__()

    def deploy_with(self, does: str) -> None:
        script = self.folder / "infra/deploy.sh"
        script.write_text(f'#!/bin/sh\necho "$* closed=$API_CLOSED" >> {self.deployed}\n{does}\n')
        script.chmod(0o755)

    def deployments(self) -> list[str]:
        return self.deployed.read_text().splitlines() if self.deployed.exists() else []

    def run(self, *words: str):
        return self.account.run("restore", *words)

    def parameter(self, name: str) -> str | None:
        try:
            return self.parameters.get_parameter(Name=f"/arches/{self.environment}/{name}")["Parameter"]["Value"]
        except self.parameters.exceptions.ParameterNotFound:
            return None

    def _cluster(self, name: str, secret: str | None) -> dict:
        found = {
            "DBClusterIdentifier": name, "Status": "available", "Endpoint": f"{name}.example", "DBSubnetGroup": "subnets", "KmsKeyId": "key",
            "DBClusterParameterGroup": "group", "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8.0, "SecondsUntilAutoPause": 300},
            "EarliestRestorableTime": "2025-12-01T00:00:00+00:00", "LatestRestorableTime": "2026-01-05T00:00:00+00:00",
        }  # fmt: skip
        if secret:
            found["MasterUserSecret"] = _secret(name, secret)
        return found

    def _throttle(self, given: dict) -> dict:
        values = {one["path"].rsplit("/", 1)[-1]: one["value"] for one in given["patchOperations"]}
        self.rate = float(values["rateLimit"])
        self.limits.append((values["rateLimit"], values["burstLimit"]))
        return {}

    def _describe(self, given: dict) -> dict:
        if given["DBClusterIdentifier"] not in self.clusters:
            raise error("DBClusterNotFoundFault", "no such cluster")
        cluster = self.clusters[given["DBClusterIdentifier"]]
        answer = json.loads(json.dumps(cluster))
        # The next look finds it a step further.
        cluster["Status"] = "available"
        cluster.get("MasterUserSecret", {})["SecretStatus"] = "active"
        return {"DBClusters": [answer]}

    def _describe_instance(self, given: dict) -> dict:
        name = given["DBInstanceIdentifier"]
        if name not in self.instances:
            raise error("DBInstanceNotFound", "no such instance")
        answer = json.loads(json.dumps(self.instances[name]))
        # The next look finds it a step further.
        self.instances[name]["DBInstanceStatus"] = "available"
        self.instances[name].get("MasterUserSecret", {})["SecretStatus"] = "active"
        return {"DBInstances": [{**answer, "Endpoint": {"Address": f"{name}.example"}}]}

    def _describe_backups(self, given: dict) -> dict:
        return {"DBInstanceAutomatedBackups": [
            {"Status": "retained", "RestoreWindow": {"EarliestTime": "2024-12-01T00:00:00+00:00", "LatestTime": "2024-12-05T00:00:00+00:00"}},
            {"Status": "active", "RestoreWindow": {"EarliestTime": "2025-12-01T00:00:00+00:00", "LatestTime": "2026-01-05T00:00:00+00:00"}},
        ] if given["DBInstanceIdentifier"] in self.instances else []}  # fmt: skip

    def _restore_instance(self, given: dict) -> dict:
        self.instances[given["TargetDBInstanceIdentifier"]] = {**INSTANCE, "DBInstanceStatus": "creating"}
        return {}

    def _manage_password_of_instance(self, given: dict) -> dict:
        self.instances[given["DBInstanceIdentifier"]]["MasterUserSecret"] = _secret(given["DBInstanceIdentifier"], "creating")
        return {}

    def _restore(self, given: dict) -> dict:
        self.clusters[given["DBClusterIdentifier"]] = {**self._cluster(given["DBClusterIdentifier"], None), "Status": "creating"}
        return {}

    def _create(self, given: dict) -> dict:
        self.instances[given["DBInstanceIdentifier"]] = {"DBInstanceStatus": "creating"}
        return {}

    def _manage_password(self, given: dict) -> dict:
        self.clusters[given["DBClusterIdentifier"]] = self._cluster(given["DBClusterIdentifier"], "creating")
        return {}

    def _invoke(self, given: dict) -> dict:
        name, event = given["FunctionName"].split("-")[3], json.loads(given["Payload"])
        self.invoked.append((name, event))
        usual = {"RestoreDrill": {"erasedAgain": 2, "ownerless": [], "unconfirmed": []}, "Retention": {"checked": 40, "missing": 3, "complete": True, "last": None}}
        answer = self.results[name].pop(0) if self.results.get(name) else usual.get(name, {})
        if isinstance(answer, str):
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": json.dumps({"errorMessage": answer})}
        return {"StatusCode": 200, "Payload": json.dumps(answer)}

    def events(self, name: str) -> list[dict]:
        return [event for function, event in self.invoked if function == name]


class Moment(unittest.TestCase):
    def test_instance_is_recovered_as_a_cluster_is(self) -> None:
        with Cloud("small") as cloud:
            done = cloud.run("moment", MOMENT, "--version", "v1.2.3+2", "--yes", "small")
            self.assertEqual(done.code, 0, done)
            new = "arches-small-20260102t030405z"
            [restored] = cloud.account.made("rds", "restore-db-instance-to-point-in-time")
            expected = {
                "SourceDBInstanceIdentifier": "arches-small", "TargetDBInstanceIdentifier": new, "RestoreTime": MOMENT, "DeletionProtection": True,
                "VpcSecurityGroupIds": ["sg-1", "sg-2"], "DBSubnetGroupName": "subnets", "DBParameterGroupName": "group", "MaxAllocatedStorage": 100,
                "PubliclyAccessible": False, "MultiAZ": False, "DBInstanceClass": "db.t4g.micro",
            }  # fmt: skip
            self.assertEqual({name: restored[name] for name in expected}, expected)
            [managed] = cloud.account.made("rds", "modify-db-instance")
            self.assertEqual(managed["MasterUserSecretKmsKeyId"], "secrets-key")
            for name, value in (
                ("database-cluster-id", new),
                ("database-cluster", f"{new}.example"),
                ("database-proxy", f"{new}.example"),
                ("database-owner-secret", f"arn-of-{new}"),
            ):
                self.assertEqual(cloud.parameter(f"data/{name}"), value)
            self.assertIn(f"the instance {new} is restored", done.out)
            self.assertEqual((cloud.rate, cloud.parameter("recovery")), (500.0, f"{MOMENT} opened"))
            self.assertFalse([call for call in cloud.account.calls if "cluster" in call.operation])

    def test_recovery_of_an_instance_that_stopped_at_any_call_is_continued(self) -> None:
        move = ("moment", MOMENT, "--version", "v1.2.3+2", "--yes", "small")
        for operation in ("restore-db-instance-to-point-in-time", "describe-db-instances", "modify-db-instance"):
            with Cloud("small") as cloud:
                before = cloud.account.handlers["rds", operation]
                cloud.account.fail("rds", operation, "InternalFailure", "stopped here")
                self.assertEqual(cloud.run(*move).code, 1, operation)
                self.assertEqual(cloud.rate, 0.0)
                cloud.account.on("rds", operation, before)
                done = cloud.run(*move)
                self.assertEqual(done.code, 0, (operation, done))
                for name in ("restore-db-instance-to-point-in-time", "modify-db-instance"):
                    self.assertEqual(len(cloud.account.made("rds", name)), 1 + (operation == name), operation)

    def test_moment_that_the_instance_does_not_have_is_refused_while_the_api_is_open(self) -> None:
        with Cloud("small") as cloud:
            move = ("moment", "2024-12-02T00:00:00Z", "--version", "v1", "--yes", "small")
            self.assertIn("the instance can be recovered from 2025-12-01T00:00:00Z to 2026-01-05T00:00:00Z", cloud.run(*move).err)
            cloud.account.on("rds", "describe-db-instance-automated-backups", lambda _: {"DBInstanceAutomatedBackups": []})
            self.assertIn("RDS has no backup of the instance arches-small yet", cloud.run(*move).err)
            self.assertEqual(cloud.limits, [])

    def test_recovery_lets_requests_in_after_the_erasures_were_repeated(self) -> None:
        with Cloud() as cloud:
            done = cloud.run(*MOVE)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(cloud.limits, [("0", "0"), ("500", "1000")])
            [restored] = cloud.account.made("rds", "restore-db-cluster-to-point-in-time")
            self.assertEqual((restored["SourceDBClusterIdentifier"], restored["RestoreToTime"], restored["DeletionProtection"]), ("arches-staging", MOMENT, True))
            self.assertEqual(restored["ServerlessV2ScalingConfiguration"], {"MinCapacity": 0.5, "MaxCapacity": 8.0})
            self.assertEqual(cloud.parameter("data/database-cluster-id"), NEW)
            self.assertEqual(cloud.parameter("data/database-cluster"), f"{NEW}.example")
            self.assertEqual(cloud.parameter("data/database-owner-secret"), f"arn-of-{NEW}")
            self.assertEqual(cloud.deployments(), ["staging observability closed=yes", "staging app v1.2.3+2 closed=yes"])
            self.assertEqual(cloud.events("RestoreDrill"), [{"command": "replay", "target": "arches", "since": MOMENT}])
            self.assertEqual(cloud.events("Retention"), [{"task": "artifact-files", "dryRun": dry} for dry in (True, False)])
            self.assertEqual(cloud.parameter("recovery"), f"{MOMENT} opened")

    def test_recovery_that_stopped_at_any_call_is_continued_and_nothing_is_done_twice(self) -> None:
        steps = [
            ("apigateway", "update-stage"), ("rds", "restore-db-cluster-to-point-in-time"), ("rds", "create-db-instance"),
            ("rds", "describe-db-instances"), ("rds", "modify-db-cluster"), ("lambda", "invoke"),
        ]  # fmt: skip
        for step in steps:
            with Cloud() as cloud:
                before = cloud.account.handlers[step]
                cloud.account.fail(*step, "InternalFailure", "stopped here")
                self.assertEqual(cloud.run(*MOVE).code, 1, step)
                self.assertIn(cloud.rate, (0.0, 500.0) if step[0] == "apigateway" else (0.0,))
                cloud.account.on(*step, before)
                done = cloud.run(*MOVE)
                self.assertEqual(done.code, 0, (step, done))
                self.assertEqual([name for name in cloud.instances if name.startswith(NEW)], [f"{NEW}-1", f"{NEW}-2"])
                made = {name: len(cloud.account.made("rds", name)) for name in ("restore-db-cluster-to-point-in-time", "modify-db-cluster")}
                # The call that was refused is made again.
                self.assertEqual(made, {name: 1 + (step[1] == name) for name in made}, step)
                self.assertEqual(len(cloud.deployments()), 2)
                self.assertEqual(cloud.parameter("recovery"), f"{MOMENT} opened")

    def test_failed_deployment_keeps_the_api_closed_and_is_repeated(self) -> None:
        with Cloud() as cloud:
            cloud.deploy_with('[ "$2" != app ]')
            done = cloud.run(*MOVE)
            self.assertEqual(done.code, 1)
            self.assertIn("The API stays closed; run the same command again", done.err)
            self.assertEqual((cloud.rate, cloud.events("RestoreDrill")), (0.0, []))
            refused = cloud.run("open", *YES)
            self.assertEqual(refused.code, 1)
            self.assertIn("erased people would be back", refused.err)
            cloud.deploy_with("")
            self.assertEqual(cloud.run(*MOVE).code, 0)
            self.assertEqual(cloud.rate, 500.0)

    def test_unknown_erasures_are_decided_by_a_person(self) -> None:
        with Cloud() as cloud:
            cloud.results["RestoreDrill"] = ["it is unknown whether these erasures happened: 2026-01-02T00:00:00Z-1"]
            done = cloud.run(*MOVE)
            self.assertEqual(done.code, 1)
            self.assertIn("2026-01-02T00:00:00Z-1", done.err)
            self.assertIn("--unconfirmed erase or --unconfirmed keep decides", done.err)
            self.assertEqual(cloud.rate, 0.0)
            self.assertIn("erased people would be back", cloud.run("open", *YES).err)
            done = cloud.run(*MOVE, "--unconfirmed", "erase")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(cloud.events("RestoreDrill")[-1]["unconfirmed"], "erase")
            self.assertEqual(len(cloud.deployments()), 2)

    def test_files_of_nearly_all_artifacts_missing_is_the_wrong_bucket(self) -> None:
        with Cloud() as cloud:
            cloud.results["Retention"] = [{"checked": 40, "missing": 39, "complete": True, "last": None}]
            done = cloud.run(*MOVE)
            self.assertEqual(done.code, 1)
            self.assertIn("39 of 40 artifacts are missing: is it the right bucket?", done.err)
            self.assertEqual((cloud.rate, [event["dryRun"] for event in cloud.events("Retention")]), (0.0, [True]))
            self.assertEqual(cloud.run("open", *YES).code, 0)
            self.assertEqual(cloud.rate, 500.0)

    def test_check_of_the_files_continues_where_a_run_has_stopped(self) -> None:
        with Cloud() as cloud:
            part = {"checked": 40, "missing": 0, "complete": False, "last": ["o", "a"]}
            cloud.results["Retention"] = [part, {**part, "complete": True}] * 2
            self.assertEqual(cloud.run(*MOVE).code, 0)
            self.assertEqual([event.get("after") for event in cloud.events("Retention")], [None, ["o", "a"], None, ["o", "a"]])

    def test_finished_recovery_is_not_begun_again_but_a_later_one_is_possible(self) -> None:
        with Cloud() as cloud:
            self.assertEqual(cloud.run(*MOVE).code, 0)
            done = cloud.run(*MOVE)
            self.assertEqual(done.code, 0)
            self.assertIn("nothing to do", done.out)
            self.assertEqual(len(cloud.limits), 2)
            later = "2026-01-03T00:00:00Z"
            done = cloud.run("moment", later, "--version", "v1.2.3+3", *YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(cloud.account.made("rds", "restore-db-cluster-to-point-in-time")[-1]["SourceDBClusterIdentifier"], NEW)

    def test_recovery_is_given_up_before_the_functions_use_the_new_cluster(self) -> None:
        with Cloud() as cloud:
            cloud.account.fail("rds", "modify-db-cluster", "InternalFailure", "stopped here")
            self.assertEqual(cloud.run(*MOVE).code, 1)
            done = cloud.run("open", *YES)
            self.assertEqual((done.code, cloud.rate), (0, 500.0))
            self.assertIn(f"the cluster {NEW}, which nothing uses", done.out)

    def test_recovery_to_another_moment_waits_for_the_one_in_progress(self) -> None:
        with Cloud() as cloud:
            cloud.results["RestoreDrill"] = ["it is unknown whether these erasures happened: x"]
            cloud.run(*MOVE)
            done = cloud.run("moment", "2026-01-03T00:00:00Z", "--version", "v1", *YES)
            self.assertEqual(done.code, 1)
            self.assertIn(f"run `restore moment {MOMENT}` first", done.err)

    def test_account_that_cannot_be_read_ends_the_recovery(self) -> None:
        with Cloud() as cloud:
            cloud.account.fail("ssm", "get-parameter", "AccessDeniedException", "not authorized to perform: ssm:GetParameter", lambda given: given["Name"].endswith("/recovery"))
            done = cloud.run(*MOVE)
            self.assertIn("no permission for ssm:GetParameter", done.err)
            self.assertEqual(cloud.limits, [])


class Refusals(unittest.TestCase):
    def test_nothing_changes_without_the_name_of_the_environment(self) -> None:
        with Cloud() as cloud:
            for words in (MOVE[:-2], ("backup", "--target", "arches_restored"), ("organization", ORGANIZATION), ("close",), ("open",)):
                for answer in ((), ("--yes", "production")):
                    done = cloud.run(*words, *answer)
                    self.assertEqual(done.code, 1, words)
                    self.assertIn("nothing was changed", done.err)
            self.assertEqual((cloud.limits, cloud.invoked, cloud.parameter("recovery")), ([], [], None))

    def test_wrong_arguments_are_refused_before_any_call(self) -> None:
        with Cloud() as cloud:
            for words, why in (
                (("moment", "--version", "v1"), "needs <moment or id>"),
                (("moment", MOMENT), "needs --version"),
                (("moment", "yesterday", "--version", "v1"), "yesterday is no moment"),
                (("moment", "2026-01-02T03:04:05+01:00", "--version", "v1"), "is no moment"),
                (("backup",), "needs --target"),
                (("close", "now"), "does not take <moment or id>"),
                (("organization", ORGANIZATION, "--version", "v1"), "does not take --version"),
                (("drill", "--unconfirmed", "keep"), "does not take --unconfirmed"),
            ):
                done = cloud.run(*words, *YES)
                self.assertEqual(done.code, 1, words)
                self.assertIn(why, done.err)
            self.assertEqual(cloud.account.calls, [])

    def test_moment_that_the_cluster_does_not_have_and_a_missing_build_are_refused_while_the_api_is_open(self) -> None:
        with Cloud() as cloud:
            done = cloud.run("moment", "2026-02-01T00:00:00Z", "--version", "v1", *YES)
            self.assertIn("can be recovered from 2025-12-01T00:00:00Z to 2026-01-05T00:00:00Z", done.err)
            cloud.build.unlink()
            self.assertIn("there is no build", cloud.run(*MOVE).err)
            self.assertEqual(cloud.limits, [])


class Others(unittest.TestCase):
    def test_list_shows_moments_backups_and_whether_the_api_is_closed(self) -> None:
        with Cloud() as cloud:
            backups = [{"id": f"2026-01-0{day}", "begunAt": f"2026-01-0{day}T00:00:00Z", "size": 1, "complete": True, "verified": day == 1, "hidden": False} for day in (1, 2)]
            cloud.results["RestoreDrill"] = [backups]
            done = cloud.run("list")
            self.assertEqual(done.code, 0, done)
            self.assertIn("2025-12-01T00:00:00Z to 2026-01-05T00:00:00Z", done.out)
            self.assertIn("API: open", done.out)
            self.assertLess(done.out.index("2026-01-02 "), done.out.index("2026-01-01 "))

    def test_backup_is_restored_into_a_database_that_nothing_uses(self) -> None:
        with Cloud() as cloud:
            done = cloud.run("backup", "the-id", "--target", "arches_restored", "--unconfirmed", "keep", *YES)
            self.assertEqual(done.code, 0, done)
            expected = {"command": "restore", "backup": "the-id", "target": "arches_restored", "unconfirmed": "keep"}
            self.assertEqual(cloud.events("RestoreDrill"), [expected])
            self.assertIn("nothing uses arches_restored yet", done.out)

    def test_drill_asks_nothing_and_changes_nothing(self) -> None:
        with Cloud() as cloud:
            self.assertEqual(cloud.run("drill").code, 0)
            self.assertEqual(cloud.events("RestoreDrill"), [{"command": "drill"}])

    def test_refusal_of_restore_drill_is_shown(self) -> None:
        with Cloud() as cloud:
            cloud.results["RestoreDrill"] = ["the database arches_restored is not empty: a backup is restored into an empty one only"]
            done = cloud.run("backup", "--target", "arches_restored", *YES)
            self.assertEqual(done.code, 1)
            self.assertIn("is not empty", done.err)

    def test_deleted_organization_is_restored_by_migrate(self) -> None:
        with Cloud() as cloud:
            cloud.results["Migrate"] = [{"organizationId": ORGANIZATION, "owners": 1}]
            done = cloud.run("organization", ORGANIZATION, *YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(cloud.events("Migrate"), [{"command": "restore-organization", "organization": ORGANIZATION}])
            self.assertIn("tell the owners", done.out)

    def test_organization_that_was_purged_is_only_in_a_backup(self) -> None:
        with Cloud() as cloud:
            for answer in ("no such organization: it was purged, or never existed", "the organization could be restored until 2026-01-02"):
                cloud.results["Migrate"] = [answer]
                done = cloud.run("organization", ORGANIZATION, *YES)
                self.assertEqual(done.code, 1)
                self.assertIn("only in a backup: docs/operations/restore.md, One organization", done.err)

    def test_api_is_closed_and_opened_with_the_limits_of_the_stack(self) -> None:
        with Cloud() as cloud:
            self.assertEqual(cloud.run("close", *YES).code, 0)
            self.assertEqual(cloud.run("open", *YES).code, 0)
            self.assertEqual(cloud.limits, [("0", "0"), ("500", "1000")])


class Deploy(unittest.TestCase):
    def test_deployment_during_a_recovery_does_not_ask_for_ready(self) -> None:
        script = (pathlib.Path(ROOT) / "infra/deploy.sh").read_text()
        self.assertIn("API_CLOSED", script)
        self.assertFalse((ROOT / "infra/recover.sh").exists())
        self.assertEqual(subprocess.run(["sh", "-n", ROOT / "infra/deploy.sh"]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
