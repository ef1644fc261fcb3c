"""The stacks of an environment, `arches-<environment>-<stack>`: their states, outputs, parameters and resources."""

from __future__ import annotations

import functools
import pathlib
from typing import NamedTuple

import aws

INFRA = pathlib.Path(__file__).resolve().parent.parent
# In the order of their dependencies, as infra/release.sh deploys them.
ORDER = ["network", "data", "observability", "app", "edge"]


def environments() -> list[str]:
    """Returns the environments that the project has parameters of."""
    return sorted(folder.name for folder in (INFRA / "environments").iterdir() if folder.is_dir())


class Resource(NamedTuple):
    logical: str
    physical: str
    type: str
    status: str


class Stack:
    """A stack, read at the first use. A property of a missing stack raises `Failed` with the code `stack`; `exists()` does not."""

    def __init__(self, environment: str, name: str):
        self.environment, self.name, self.full_name = environment, name, f"arches-{environment}-{name}"

    def exists(self) -> bool:
        try:
            return bool(self.description)
        except aws.Failed as error:
            if error.code == "stack":
                return False
            raise

    @functools.cached_property
    def description(self) -> dict:
        try:
            return aws.call("cloudformation", "describe-stacks", StackName=self.full_name)["Stacks"][0]
        except aws.Failed as error:
            if error.code == "ValidationError" and "does not exist" in error.text:
                raise aws.Failed(
                    "stack",
                    f"the stack {self.full_name} does not exist in {aws.region()}: check --environment and AWS_REGION,"
                    f" or deploy it: infra/deploy.sh {self.environment} {self.name}",
                ) from None
            raise

    @property
    def status(self) -> str:
        return self.description["StackStatus"]

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.description.get("Outputs", [])}

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """The values of the parameters. Those that CloudFormation reads from SSM are resolved."""
        return {one["ParameterKey"]: one.get("ResolvedValue", one.get("ParameterValue", "")) for one in self.description.get("Parameters", [])}

    @functools.cached_property
    def resources(self) -> dict[str, Resource]:
        """The resources that exist, by logical id."""
        _ = self.description  # a missing stack fails with its own text
        listed = aws.call("cloudformation", "list-stack-resources", StackName=self.full_name)["StackResourceSummaries"]
        return {
            one["LogicalResourceId"]: Resource(one["LogicalResourceId"], one["PhysicalResourceId"], one["ResourceType"], one["ResourceStatus"])
            for one in listed
            if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def id(self, logical: str) -> str:
        """Returns the physical id of a resource."""
        if logical not in self.resources:
            raise aws.Failed("resource", f"the stack {self.full_name} has no resource {logical}")
        return self.resources[logical].physical

    def of_type(self, kind: str) -> list[Resource]:
        return [one for one in self.resources.values() if one.type == kind]


class Environment:
    """The stacks of an environment: `environment.app.id("Auth")`."""

    def __init__(self, name: str):
        self.name = name
        self.stacks = [Stack(name, one) for one in ORDER]
        self.network, self.data, self.observability, self.app, self.edge = self.stacks

    def functions(self) -> dict[str, str]:
        """Returns the physical names of the functions of the app, by logical id."""
        return {one.logical: one.physical for one in self.app.of_type("AWS::Lambda::Function")}

    def function(self, name: str) -> str:
        """Returns the physical name of a function. `name` may be `Auth`, `rotate-keys` or `RotateKeys`."""
        logical = logical_id(name)
        found = self.functions()
        if logical not in found:
            raise aws.Failed("function", f"no function {name}; there are: {', '.join(sorted(map(folder_name, found)))}")
        return found[logical]

    def parameter(self, name: str) -> str:
        """Returns a value that a stack published: `parameter("data/auth-secret")` is /arches/<environment>/data/auth-secret."""
        return aws.call("ssm", "get-parameter", Name=f"/arches/{self.name}/{name}")["Parameter"]["Value"]

    def url(self) -> str:
        return self.app.outputs["ApiUrl"]


def logical_id(name: str) -> str:
    """rotate-keys → RotateKeys"""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def folder_name(logical: str) -> str:
    """RotateKeys → rotate-keys, the name of the folder in functions/"""
    return "".join(f"-{letter.lower()}" if letter.isupper() and index else letter.lower() for index, letter in enumerate(logical))
