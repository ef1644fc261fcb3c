"""Recovers the database of an environment to a moment, in a new cluster beside the old one.

The recovery in progress is the parameter /arches/<environment>/recovery: `<moment> <state>`. A command that was interrupted continues from there.
"""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime

import aws
import screen
import stacks
import waiting
from aws import Failed

# What of a recovery is done: the cluster exists; the functions use it; what was erased after the moment is erased; the API is open.
STATES = ["restored", "switched", "replayed", "opened"]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
INSTANCES = (1, 2)
CLUSTER_MINUTES = 90
UNCONFIRMED = "--unconfirmed erase or --unconfirmed keep decides (docs/operations/restore.md, Unconfirmed erasures)"


class Gate:
    """Whether the API is open: the limits of the gateway's stage."""

    def __init__(self, environment):
        self.environment = environment
        self.stage = {"restApiId": environment.parameter("app/api-id"), "stageName": "live"}

    def is_closed(self) -> bool:
        settings = aws.call("apigateway", "get-stage", **self.stage)["methodSettings"]["*/*"]
        return settings["throttlingRateLimit"] == 0

    def close(self) -> None:
        self._throttle("0", "0")

    def open(self) -> None:
        parameters = self.environment.app.parameters
        self._throttle(parameters["StageRateLimit"], parameters["StageBurstLimit"])

    def _throttle(self, rate: str, burst: str) -> None:
        limits = {"rateLimit": rate, "burstLimit": burst}
        changes = [{"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in limits.items()]
        aws.call("apigateway", "update-stage", **self.stage, patchOperations=changes)


class Recovery:
    """The recovery in progress, if there is one."""

    def __init__(self, environment):
        self.environment, self.gate = environment, Gate(environment)
        self.moment, self.state = None, None
        found = _if_found(lambda: environment.parameter("recovery"))
        if found:
            self.moment, self.state = found.split(" ", 1)

    def begin(self, moment: str) -> None:
        if self.moment != moment:
            self.moment = moment
            self._reached("restored")

    @property
    def cluster(self) -> str:
        return f"arches-{self.environment.name}-{re.sub('[-:]', '', self.moment).lower()}"

    def is_switched(self) -> bool:
        """Returns whether the functions use the new cluster, or will after the next deployment."""
        return self.moment is not None and self.environment.parameter("data/database-cluster-id") == self.cluster

    def restore(self) -> None:
        """Creates the cluster and its instances, and waits for them and for the password of the owner."""
        if _if_found(lambda: _cluster(self.cluster)) is None:
            self._create()
        for number in INSTANCES:
            name = f"{self.cluster}-{number}"
            if _if_found(lambda name=name: _instance(name)) is None:
                aws.call(
                    "rds",
                    "create-db-instance",
                    DBInstanceIdentifier=name,
                    DBClusterIdentifier=self.cluster,
                    DBInstanceClass="db.serverless",
                    Engine="aurora-postgresql",
                    PubliclyAccessible=False,
                )

        def is_available() -> bool:
            parts = [_instance(f"{self.cluster}-{number}")["DBInstanceStatus"] for number in INSTANCES]
            return {*parts, _cluster(self.cluster)["Status"]} == {"available"}

        _require(waiting.until(is_available, f"the cluster {self.cluster} and its instances", CLUSTER_MINUTES), f"{self.cluster} is not available")
        if "MasterUserSecret" not in _cluster(self.cluster):
            key = _cluster(self._source())["MasterUserSecret"]["KmsKeyId"]
            password = {"ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": key, "ApplyImmediately": True}
            aws.call("rds", "modify-db-cluster", DBClusterIdentifier=self.cluster, **password)

        # The deployment reads this secret. It has no value before it is active.
        def has_password() -> bool:
            return _cluster(self.cluster).get("MasterUserSecret", {}).get("SecretStatus") == "active"

        _require(waiting.until(has_password, "the password of the owner", 20), f"the password of {self.cluster} is not active")

    def switch(self, version: str) -> None:
        """Lets jobs, functions and the proxy use the new cluster."""
        if STATES.index(self.state) >= STATES.index("switched"):
            return
        cluster = _cluster(self.cluster)
        for name, value in (
            ("database-cluster", cluster["Endpoint"]),
            ("database-cluster-id", self.cluster),
            ("database-owner-secret", cluster["MasterUserSecret"]["SecretArn"]),
        ):
            self._put(f"data/{name}", value)
        self._deploy("observability")
        # Creates the logins with today's passwords, and moves the proxy to the new cluster.
        self._deploy("app", version)
        self._require_closed()
        self._reached("switched")

    def replay(self, unconfirmed: str | None) -> None:
        """Erases again who was erased after the moment, and ends all sessions."""
        if STATES.index(self.state) >= STATES.index("replayed"):
            return
        self._require_closed()
        event = {"command": "replay", "target": self.environment.app.parameters["DatabaseName"], "since": self.moment}
        if unconfirmed:
            event["unconfirmed"] = unconfirmed
        screen.progress("erasures after the moment are repeated")
        try:
            done = aws.invoke(self.environment.function("restore-drill") + ":live", event)
        except Failed as error:
            hint = f"; {UNCONFIRMED}" if "unknown whether" in error.text else ""
            raise Failed(error.code, f"{error.text}{hint}. The API stays closed") from None
        screen.say(f"✓ erased again: {done['erasedAgain']}; all sessions have ended")
        if done["ownerless"]:
            screen.warn(f"organizations without an active owner: {', '.join(done['ownerless'])}")
        self._reached("replayed")

    def check_files(self) -> None:
        """Marks the artifacts whose files were deleted after the moment."""
        counted = self._files(dry=True)
        # Of nearly all: the bucket is another one, and the marks would be wrong.
        if counted["checked"] >= 10 and counted["missing"] * 2 > counted["checked"]:
            raise Failed(
                "artifacts",
                f"the files of {counted['missing']} of {counted['checked']} artifacts are missing: is it the right bucket? If it is, run"
                f""" `invoke retention '{{"task": "artifact-files"}}'` and then `restore open`. The API stays closed""",
            )
        marked = self._files(dry=False)
        screen.say(f"✓ artifacts whose files are gone: {marked['missing']} of {marked['checked']}; they are `failed` with content-missing")

    def open(self) -> None:
        """Lets requests in. Refused while erased people would be back."""
        if self.state in ("restored", "switched") and self.is_switched():
            raise Failed("order", f"erased people would be back: run `restore moment {self.moment}` again, which repeats the erasures")
        self.gate.open()
        if self.state == "replayed":
            self._reached("opened")

    def _create(self) -> None:
        source = _cluster(self._source())
        limits = source["ServerlessV2ScalingConfiguration"]
        aws.call(
            "rds",
            "restore-db-cluster-to-point-in-time",
            SourceDBClusterIdentifier=self._source(),
            DBClusterIdentifier=self.cluster,
            RestoreToTime=self.moment,
            DBSubnetGroupName=source["DBSubnetGroup"],
            VpcSecurityGroupIds=[source["VpcSecurityGroups"][0]["VpcSecurityGroupId"]],
            KmsKeyId=source["KmsKeyId"],
            DBClusterParameterGroupName=source["DBClusterParameterGroup"],
            CopyTagsToSnapshot=True,
            DeletionProtection=True,
            EnableCloudwatchLogsExports=["postgresql"],
            ServerlessV2ScalingConfiguration={name: limits[name] for name in ("MinCapacity", "MaxCapacity")},
            Tags=[{"Key": "environment", "Value": self.environment.name}],
        )

    def _files(self, dry: bool) -> dict:
        sum_of, after = {"checked": 0, "missing": 0}, None
        while True:
            event = {"task": "artifact-files", "dryRun": dry, **({"after": after} if after else {})}
            run = aws.invoke(self.environment.function("retention") + ":live", event)
            sum_of = {name: sum_of[name] + run[name] for name in sum_of}
            if run["complete"]:
                return sum_of
            after = run["last"]
            screen.progress(f"{sum_of['checked']} artifacts looked at")

    def _deploy(self, *words: str) -> None:
        screen.progress(f"infra/deploy.sh {self.environment.name} {' '.join(words)}")
        script = stacks.INFRA / "deploy.sh"
        # Its output is progress. /ready would answer 429, so it is not asked.
        try:
            subprocess.run([script, self.environment.name, *words], check=True, stdout=2, stdin=subprocess.DEVNULL, env={**os.environ, "API_CLOSED": "yes"})
        except subprocess.CalledProcessError:
            raise Failed("deploy", "the deployment failed; its output is above. The API stays closed; run the same command again") from None

    def _source(self) -> str:
        return self.environment.parameter("data/database-cluster-id")

    def _require_closed(self) -> None:
        if not self.gate.is_closed():
            raise Failed("order", "the API is open: somebody opened it during the recovery. Run the same command again, which closes it")

    def _reached(self, state: str) -> None:
        self._put("recovery", f"{self.moment} {state}")
        self.state = state

    def _put(self, name: str, value: str) -> None:
        aws.call("ssm", "put-parameter", Name=f"/arches/{self.environment.name}/{name}", Value=value, Type="String", Overwrite=True)


def window(environment) -> tuple[datetime, datetime]:
    """Returns the moments between which the cluster can be recovered."""
    cluster = _cluster(environment.parameter("data/database-cluster-id"))
    return waiting.parsed(cluster["EarliestRestorableTime"]), waiting.parsed(cluster["LatestRestorableTime"])


def _cluster(name: str) -> dict:
    return aws.call("rds", "describe-db-clusters", DBClusterIdentifier=name)["DBClusters"][0]


def _instance(name: str) -> dict:
    return aws.call("rds", "describe-db-instances", DBInstanceIdentifier=name)["DBInstances"][0]


def _if_found(read):
    """Returns what `read` returns; None if AWS does not have it. Any other failure is an error: it may exist."""
    try:
        return read()
    except Failed as error:
        if "NotFound" in error.code:
            return None
        raise


def _require(done, problem: str) -> None:
    if not done:
        raise Failed("deadline", f"{problem}: look at it in the console of RDS. The API stays closed; run the same command again")
