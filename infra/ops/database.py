"""The database of an environment: a cluster of Aurora, or an instance of RDS for PostgreSQL (docs/adr/0044-small-profile.md)."""

from __future__ import annotations

from datetime import datetime

import aws
import parameters
import waiting
from aws import Failed


class Cluster:
    kind = "cluster"
    engine = "aurora-postgresql"
    # A cluster has a second instance in another zone.
    INSTANCES = (1, 2)

    def __init__(self, name: str):
        self.name = name
        self.command = f"aws rds describe-db-clusters --db-cluster-identifier {name}"

    def describe(self) -> dict:
        return aws.call("rds", "describe-db-clusters", DBClusterIdentifier=self.name)["DBClusters"][0]

    def modify(self, **changes) -> None:
        aws.call("rds", "modify-db-cluster", DBClusterIdentifier=self.name, ApplyImmediately=True, **changes)

    def window(self) -> tuple[datetime, datetime]:
        """Returns the moments between which it can be restored."""
        found = self.describe()
        return waiting.parsed(found["EarliestRestorableTime"]), waiting.parsed(found["LatestRestorableTime"])

    def published(self) -> dict[str, str]:
        """Returns its addresses, by the names of their parameters."""
        return {"database-cluster": self.describe()["Endpoint"]}

    def restore(self, moment: str, new: Cluster, environment: str) -> None:
        """Creates `new` beside this one, with the data of a moment. What exists of it stays."""
        if aws.if_found(new.describe) is None:
            found = self.describe()
            limits = found["ServerlessV2ScalingConfiguration"]
            aws.call(
                "rds",
                "restore-db-cluster-to-point-in-time",
                SourceDBClusterIdentifier=self.name,
                DBClusterIdentifier=new.name,
                RestoreToTime=moment,
                DBSubnetGroupName=found["DBSubnetGroup"],
                VpcSecurityGroupIds=[one["VpcSecurityGroupId"] for one in found["VpcSecurityGroups"]],
                KmsKeyId=found["KmsKeyId"],
                DBClusterParameterGroupName=found["DBClusterParameterGroup"],
                CopyTagsToSnapshot=True,
                DeletionProtection=True,
                EnableCloudwatchLogsExports=["postgresql"],
                ServerlessV2ScalingConfiguration={name: limits[name] for name in ("MinCapacity", "MaxCapacity")},
                Tags=[{"Key": "environment", "Value": environment}],
            )
        for instance in new._instances():
            if aws.if_found(instance.describe) is None:
                aws.call(
                    "rds",
                    "create-db-instance",
                    DBInstanceIdentifier=instance.name,
                    DBClusterIdentifier=new.name,
                    DBInstanceClass="db.serverless",
                    Engine=self.engine,
                    PubliclyAccessible=False,
                )

    def is_available(self) -> bool:
        return all([instance.is_available() for instance in self._instances()]) and self.describe()["Status"] == "available"

    def _instances(self) -> list[Instance]:
        return [Instance(f"{self.name}-{number}") for number in self.INSTANCES]


class Instance:
    kind = "instance"
    engine = "postgres"

    def __init__(self, name: str):
        self.name = name
        self.command = f"aws rds describe-db-instances --db-instance-identifier {name}"

    def describe(self) -> dict:
        return aws.call("rds", "describe-db-instances", DBInstanceIdentifier=self.name)["DBInstances"][0]

    def modify(self, **changes) -> None:
        aws.call("rds", "modify-db-instance", DBInstanceIdentifier=self.name, ApplyImmediately=True, **changes)

    def window(self) -> tuple[datetime, datetime]:
        """Returns the moments between which it can be restored."""
        kept = aws.call("rds", "describe-db-instance-automated-backups", DBInstanceIdentifier=self.name)["DBInstanceAutomatedBackups"]
        # Those of a deleted instance with this name are not this one's.
        ranges = [one["RestoreWindow"] for one in kept if one["Status"] == "active" and "EarliestTime" in one.get("RestoreWindow", {})]
        if not ranges:
            raise Failed("backups", f"RDS has no backup of the instance {self.name} yet; it makes the first one some minutes after the instance")
        return waiting.parsed(ranges[0]["EarliestTime"]), waiting.parsed(ranges[0]["LatestTime"])

    def published(self) -> dict[str, str]:
        """Returns its addresses, by the names of their parameters. Without a proxy, functions connect to it."""
        address = self.describe()["Endpoint"]["Address"]
        return {"database-cluster": address, "database-proxy": address}

    def restore(self, moment: str, new: Instance, environment: str) -> None:
        """Creates `new` beside this one, with the data of a moment. What exists of it stays."""
        if aws.if_found(new.describe) is not None:
            return
        found = self.describe()
        aws.call(
            "rds",
            "restore-db-instance-to-point-in-time",
            SourceDBInstanceIdentifier=self.name,
            TargetDBInstanceIdentifier=new.name,
            RestoreTime=moment,
            DBInstanceClass=found["DBInstanceClass"],
            StorageType=found["StorageType"],
            MaxAllocatedStorage=found["MaxAllocatedStorage"],
            MultiAZ=found["MultiAZ"],
            DBSubnetGroupName=found["DBSubnetGroup"]["DBSubnetGroupName"],
            VpcSecurityGroupIds=[one["VpcSecurityGroupId"] for one in found["VpcSecurityGroups"]],
            DBParameterGroupName=found["DBParameterGroups"][0]["DBParameterGroupName"],
            EnableIAMDatabaseAuthentication=found["IAMDatabaseAuthenticationEnabled"],
            CopyTagsToSnapshot=True,
            DeletionProtection=True,
            PubliclyAccessible=False,
            EnableCloudwatchLogsExports=["postgresql"],
            Tags=[{"Key": "environment", "Value": environment}],
        )

    def is_available(self) -> bool:
        return self.describe()["DBInstanceStatus"] == "available"


def of(environment, name: str | None = None) -> Cluster | Instance:
    """Returns the database that the functions use, or the one called `name`. Which kind it is never changes."""
    kinds = {one.engine: one for one in (Cluster, Instance)}
    return kinds[engine(environment.name)](name or environment.parameter("data/database-cluster-id"))


def engine(environment: str) -> str:
    return parameters.of(environment, "data")["DatabaseEngine"]
