"""One secret in Secrets Manager: its versions, its rotation, and what is remembered about a leak."""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime

import aws
import waiting
from aws import Failed
from waiting import parsed

# The tag that says what of a secret has leaked and is not yet removed, so that a command can be continued.
LEAKED = "leaked"
# Functions read a secret again after five minutes; one that cannot reach Secrets Manager uses it for half an hour at most.
READ_MINUTES, MAX_AGE_MINUTES = 5, 30
# A rotation of the cache's password waits twice for ElastiCache.
ROTATION_MINUTES = 30


class Secret:
    def __init__(self, arn: str, name: str):
        self.arn, self.name = arn, name

    def describe(self) -> dict:
        return aws.call("secretsmanager", "describe-secret", SecretId=self.arn)

    def value(self) -> str | None:
        """Reads the current value; None if there never was one."""
        try:
            return aws.call("secretsmanager", "get-secret-value", SecretId=self.arn, VersionStage="AWSCURRENT")["SecretString"]
        except Failed as error:
            if error.code != "ResourceNotFoundException":
                raise
            self.describe()  # fails if there is no such secret
            return None

    def put(self, value: str, stage: str = "AWSCURRENT") -> str:
        """Writes a value and returns the id of its version."""
        version = str(uuid.uuid4())  # the same one if the CLI tries again
        aws.call("secretsmanager", "put-secret-value", SecretId=self.arn, ClientRequestToken=version, SecretString=value, VersionStages=[stage])
        return version

    def pending(self) -> str | None:
        """Returns the id of the version that a rotation makes, or that a command has prepared."""
        described = self.describe()
        found = _with_stage(described, "AWSPENDING")
        return None if found == _with_stage(described, "AWSCURRENT") else found

    def pending_value(self) -> str:
        return aws.call("secretsmanager", "get-secret-value", SecretId=self.arn, VersionStage="AWSPENDING")["SecretString"]

    def make_current(self, version: str) -> None:
        current = _with_stage(self.describe(), "AWSCURRENT")
        move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": version, "RemoveFromVersionId": current}
        aws.call("secretsmanager", "update-secret-version-stage", SecretId=self.arn, **move)

    def versions(self) -> dict[str, tuple[str, datetime]]:
        """Returns id and creation of the versions that have a stage, by stage."""
        listed = aws.call("secretsmanager", "list-secret-version-ids", SecretId=self.arn).get("Versions", [])
        found = {}
        for one in listed:
            for stage in one.get("VersionStages", []):
                found[stage] = (one["VersionId"], parsed(one["CreatedDate"]))
        return found

    def leaked(self) -> str | None:
        """Returns what was remembered about a leak."""
        return next((tag["Value"] for tag in self.describe().get("Tags", []) if tag["Key"] == LEAKED), None)

    def remember(self, leaked: str) -> None:
        aws.call("secretsmanager", "tag-resource", SecretId=self.arn, Tags=[{"Key": LEAKED, "Value": leaked}])

    def forget(self) -> None:
        aws.call("secretsmanager", "untag-resource", SecretId=self.arn, TagKeys=[LEAKED])

    def rotate(self, logs: str) -> None:
        """Lets Secrets Manager rotate the secret, and waits. `logs` is the log group of the function that does it."""
        began, is_earlier = int(time.time() * 1000), False
        version = str(uuid.uuid4())
        try:
            aws.call("secretsmanager", "rotate-secret", SecretId=self.arn, ClientRequestToken=version)
        except Failed as error:
            if "previous rotation" not in error.text:
                raise
            # Secrets Manager tries the earlier rotation again. If that succeeds, it is the rotation.
            version, is_earlier = self.pending() or version, True
        state = waiting.until(self._outcome(version), f"the rotation of {self.name}", ROTATION_MINUTES)
        if state == "done":
            return
        if state == "withdrawn" and is_earlier:
            self.rotate(logs)
            return
        found = reason(logs, began)
        problem = "was refused" if state == "withdrawn" else f"has not ended within {ROTATION_MINUTES} minutes; Secrets Manager tries again"
        raise Failed("rotation", f"the rotation of {self.name} {problem}: {found}. The current value stays valid")

    def _outcome(self, version: str):
        misses = 0

        def ask() -> str | None:
            nonlocal misses
            stages = self.describe().get("VersionIdsToStages", {}).get(version, [])
            if "AWSCURRENT" in stages:
                return "done"
            # The function withdraws the version of a rotation that cannot succeed: it has no stage then. A new version may have
            # none for a moment.
            misses = 0 if stages else misses + 1
            return "withdrawn" if misses >= 3 else None

        return ask


def reason(group: str, since: int) -> str:
    """Returns the error that a function has logged since, in milliseconds."""

    def find() -> str | None:
        found = aws.call("logs", "filter-log-events", logGroupName=group, startTime=since, filterPattern='{ $.level = "ERROR" }')
        return found["events"][-1]["message"] if found.get("events") else None

    line = waiting.until(find, f"the reason in {group}", 1)
    return _error_in(line) or f"read the log of the function ({group})"


def _error_in(line: str | None) -> str | None:
    try:
        return json.loads(line or "")["error"]
    except (ValueError, KeyError, TypeError):
        return line


def _with_stage(description: dict, stage: str) -> str | None:
    return next((version for version, stages in description.get("VersionIdsToStages", {}).items() if stage in stages), None)

