"""What stays of an environment after its stacks were deleted, with the commands that remove it."""

from __future__ import annotations

from typing import NamedTuple

import aws
from stacks import ORDER, Stack

LOCKED = "locked versions cannot be deleted before their retention ends: in production by nobody, elsewhere with s3:BypassGovernanceRetention"


class Leftover(NamedTuple):
    what: str
    commands: list[str]
    note: str = ""


def find(environment: str) -> list[Leftover]:
    """Returns what CloudFormation retained, as far as it still exists, and what was made beside the stacks."""
    # CloudFormation remembers deleted stacks for 90 days.
    deleted = aws.call("cloudformation", "list-stacks", StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    found = []
    # `replica` is in another region: AWS_REGION decides whether it is found.
    for name in [*reversed(ORDER), "replica"]:
        for resource in _retained(deleted, f"arches-{environment}-{name}"):
            if one := _leftover(resource["ResourceType"], resource.get("PhysicalResourceId", ""), f"{name}, {resource['LogicalResourceId']}"):
                found.append(one)
    return found + _in_the_second_region(deleted, environment) + _beside(environment)


def _in_the_second_region(deleted: list[dict], environment: str) -> list[Leftover]:
    """Returns the stack `replica` with the copies, if the stack `data` that used it was deleted."""
    if Stack(environment, "data").exists():
        return []
    name, regions = f"arches-{environment}-replica", set()
    for stack_id in _ids(deleted, f"arches-{environment}-data"):
        given = aws.call("cloudformation", "describe-stacks", StackName=stack_id)["Stacks"][0].get("Parameters", [])
        regions |= {one.get("ParameterValue", "") for one in given if one["ParameterKey"] == "ReplicaRegion"}
    found = []
    for region in sorted(regions - {""}):
        commands = [
            f"aws --region {region} cloudformation update-termination-protection --no-enable-termination-protection --stack-name {name}",
            f"aws --region {region} cloudformation delete-stack --stack-name {name}",
            f"AWS_REGION={region} python3 infra/ops down --list --environment {environment}   # names its buckets and keys, which stay",
        ]
        found.append(Leftover(f"stack {name} in {region}", commands, "the copies of backups, secrets and the ledger of erasures, if it still exists"))
    return found


def _ids(deleted: list[dict], stack: str) -> list[str]:
    """Returns the ids of the deleted stacks of this name."""
    return [one["StackId"] for one in deleted if one["StackName"] == stack]


def _retained(deleted: list[dict], stack: str) -> list[dict]:
    """Returns the resources that deletions of the stack skipped."""
    listed = [one for stack_id in _ids(deleted, stack) for one in aws.call("cloudformation", "list-stack-resources", StackName=stack_id)["StackResourceSummaries"]]
    return [one for one in listed if one["ResourceStatus"] == "DELETE_SKIPPED"]


def _leftover(kind: str, name: str, where: str) -> Leftover | None:
    """Returns the commands for a retained resource. None if it does not exist any more, or was deleted with another one."""
    if kind == "AWS::S3::Bucket":
        if not _exists("s3api", "head-bucket", Bucket=name):
            return None
        empty = (
            f"aws s3api list-object-versions --bucket {name} --max-items 1000 --output json"
            " --query '{Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}'"
            f" > versions.json && aws s3api delete-objects --bucket {name} --delete file://versions.json   # repeat until nothing is left"
        )
        return Leftover(f"bucket {name} ({where})", [empty, f"aws s3api delete-bucket --bucket {name}"], LOCKED if "Backup" in where or "Erasure" in where else "")
    if kind == "AWS::KMS::Key":
        key = _found("kms", "describe-key", KeyId=name)
        if not key or key["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        note = "what it has encrypted can never be read again"
        return Leftover(f"key {name} ({where})", [f"aws kms schedule-key-deletion --key-id {name} --pending-window-in-days 30"], note)
    if kind == "AWS::Logs::LogGroup":
        groups = _found("logs", "describe-log-groups", logGroupNamePrefix=name) or {}
        if not any(one["logGroupName"] == name for one in groups.get("logGroups", [])):
            return None
        return Leftover(f"log group {name} ({where})", [f"aws logs delete-log-group --log-group-name {name}"])
    # The versions of a function are deleted with it. Snapshots are listed below, by their database.
    if kind in ("AWS::Lambda::Version", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"):
        return None
    return Leftover(f"{kind} {name} ({where})", [], "remove it by hand")


def _beside(environment: str) -> list[Leftover]:
    # After a recovery the functions use a database that no stack has made, until it is imported.
    used = _found("ssm", "get-parameter", Name=f"/arches/{environment}/data/database-cluster-id")
    found = _databases(f"arches-{environment}", used["Parameter"]["Value"] if used else None)
    for secret in aws.call("secretsmanager", "list-secrets", IncludePlannedDeletion=True, Filters=[{"Key": "name", "Values": [f"arches/{environment}/"]}])["SecretList"]:
        if secret.get("DeletedDate"):
            command = f"aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {secret['Name']}"
            found.append(Leftover(f"secret {secret['Name']}", [command], "in its recovery window; `restore-secret` brings it back"))
    listed = aws.call("ssm", "get-parameters-by-path", Path=f"/arches/{environment}", Recursive=True)["Parameters"]
    for parameter in listed:
        # Others belong to stacks. These are made by hand (infra/edge/README.md), by `restore`, and by `rollback`.
        if parameter["Name"].endswith(("certificate", "/recovery", "/rolled-back")):
            commands = [f"aws ssm delete-parameter --name {parameter['Name']}"]
            if parameter["Name"].endswith("certificate"):
                region = parameter["Value"].split(":")[3]
                commands.insert(0, f"aws acm delete-certificate --region {region} --certificate-arn {parameter['Value']}")
            found.append(Leftover(f"parameter {parameter['Name']}", commands, "made by hand or by a tool"))
    return found


def _databases(prefix: str, used: str | None) -> list[Leftover]:
    """Returns databases of recoveries (docs/operations/restore.md) but the one in use, and snapshots. `prefix` is the name of the stack's own database."""
    found = []
    for cluster in aws.call("rds", "describe-db-clusters").get("DBClusters", []):
        name = cluster["DBClusterIdentifier"]
        if name.startswith(f"{prefix}-") and name != used:
            instances = [f"aws rds delete-db-instance --db-instance-identifier {one['DBInstanceIdentifier']}" for one in cluster.get("DBClusterMembers", [])]
            found.append(Leftover(f"cluster {name}", _deletion("cluster", name, instances), "made by a recovery"))
    for instance in aws.call("rds", "describe-db-instances").get("DBInstances", []):
        name = instance["DBInstanceIdentifier"]
        if name.startswith(f"{prefix}-") and name != used and not instance.get("DBClusterIdentifier"):
            found.append(Leftover(f"instance {name}", _deletion("instance", name), "made by a recovery"))
    # RDS keeps those of a deleted instance until each is 35 days old (DeleteAutomatedBackups).
    kept = aws.call("rds", "describe-db-instance-automated-backups").get("DBInstanceAutomatedBackups", [])
    for backup in [one for one in kept if one["Status"] == "retained"]:
        name = backup["DBInstanceIdentifier"]
        if name == prefix or name.startswith(f"{prefix}-"):
            command = f"aws rds delete-db-instance-automated-backup --dbi-resource-id {backup['DbiResourceId']}"
            found.append(Leftover(f"backups of the instance {name}", [command], "RDS deletes them 35 days after they were made"))
    of_clusters = aws.call("rds", "describe-db-cluster-snapshots", SnapshotType="manual").get("DBClusterSnapshots", [])
    of_instances = aws.call("rds", "describe-db-snapshots", SnapshotType="manual").get("DBSnapshots", [])
    snapshots = [("db-cluster", one["DBClusterIdentifier"], one["DBClusterSnapshotIdentifier"]) for one in of_clusters]
    snapshots += [("db", one["DBInstanceIdentifier"], one["DBSnapshotIdentifier"]) for one in of_instances]
    for kind, owner, name in snapshots:
        if owner == prefix or owner.startswith(f"{prefix}-"):
            command = f"aws rds delete-{kind}-snapshot --{kind}-snapshot-identifier {name}"
            found.append(Leftover(f"snapshot {name}", [command], "the last state of the database"))
    return found


def _deletion(kind: str, name: str, instances: list[str] | None = None) -> list[str]:
    unprotect = f"aws rds modify-db-{kind} --db-{kind}-identifier {name} --no-deletion-protection"
    return [unprotect, *(instances or []), f"aws rds delete-db-{kind} --db-{kind}-identifier {name} --final-db-snapshot-identifier {name}-final"]


def _found(service: str, operation: str, **arguments) -> dict | None:
    return aws.if_found(lambda: aws.call(service, operation, **arguments))


def _exists(service: str, operation: str, **arguments) -> bool:
    return _found(service, operation, **arguments) is not None
