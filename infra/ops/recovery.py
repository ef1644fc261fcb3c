"""Recovers the database of an environment to a moment, in a new cluster or instance beside the old one.

The recovery in progress is the parameter /arches/<environment>/recovery: `<moment> <state>`. A command that was interrupted continues from there.
"""

from __future__ import annotations

import os
import re
import subprocess

import aws
import database
import screen
import stacks
import waiting
from aws import Failed

# What of a recovery is done: the new database exists; the functions use it; what was erased after the moment is erased; the API is open.
STATES = ["restored", "switched", "replayed", "opened"]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RESTORE_MINUTES = 90
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
        found = aws.if_found(lambda: environment.parameter("recovery"))
        if found:
            self.moment, self.state = found.split(" ", 1)

    def begin(self, moment: str) -> None:
        if self.moment != moment:
            self.moment = moment
            self._reached("restored")

    @property
    def new(self) -> str:
        """The name of the database of the moment."""
        return f"arches-{self.environment.name}-{re.sub('[-:]', '', self.moment).lower()}"

    def is_switched(self) -> bool:
        """Returns whether the functions use the new database, or will after the next deployment."""
        return self.moment is not None and self.environment.parameter("data/database-cluster-id") == self.new

    def restore(self) -> None:
        """Creates the database of the moment, and waits for it and for the password of the owner."""
        old, new = database.of(self.environment), database.of(self.environment, self.new)
        old.restore(self.moment, new, self.environment.name)
        _require(waiting.until(new.is_available, f"the {new.kind} {new.name}", RESTORE_MINUTES), f"{new.name} is not available")
        if "MasterUserSecret" not in new.describe():
            key = old.describe()["MasterUserSecret"]["KmsKeyId"]
            new.modify(ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=key)

        # The deployment reads this secret. It has no value before it is active.
        def has_password() -> bool:
            return new.describe().get("MasterUserSecret", {}).get("SecretStatus") == "active"

        _require(waiting.until(has_password, "the password of the owner", 20), f"the password of {new.name} is not active")

    def switch(self, version: str) -> None:
        """Lets jobs, functions and the proxy use the new database."""
        if STATES.index(self.state) >= STATES.index("switched"):
            return
        new = database.of(self.environment, self.new)
        owner = new.describe()["MasterUserSecret"]["SecretArn"]
        for name, value in {**new.published(), "database-cluster-id": new.name, "database-owner-secret": owner}.items():
            self._put(f"data/{name}", value)
        self._deploy("observability")
        # Creates the logins with today's passwords, and moves the proxy, if there is one, to the new database.
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
        done = restore_drill(self.environment, event, ". The API stays closed")
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

    def _files(self, dry: bool) -> dict:
        sum_of, after = {"checked": 0, "missing": 0}, None
        while True:
            event = {"task": "artifact-files", "dryRun": dry, **({"after": after} if after else {})}
            run = aws.invoke(self.environment.function("retention"), event)
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

    def _require_closed(self) -> None:
        if not self.gate.is_closed():
            raise Failed("order", "the API is open: somebody opened it during the recovery. Run the same command again, which closes it")

    def _reached(self, state: str) -> None:
        self._put("recovery", f"{self.moment} {state}")
        self.state = state

    def _put(self, name: str, value: str) -> None:
        aws.call("ssm", "put-parameter", Name=f"/arches/{self.environment.name}/{name}", Value=value, Type="String", Overwrite=True)


def _require(done, problem: str) -> None:
    if not done:
        raise Failed("deadline", f"{problem}: look at it in the console of RDS. The API stays closed; run the same command again")


def restore_drill(environment, event: dict, after_error: str = ""):
    """Invokes `restore-drill`. If it does not know who was erased, the error names the options that decide."""
    try:
        return aws.invoke(environment.function("restore-drill"), event)
    except Failed as error:
        hint = f"; {UNCONFIRMED}" if "unknown whether" in error.text else ""
        raise Failed(error.code, f"{error.text}{hint}{after_error}") from None
