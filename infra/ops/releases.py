"""The releases of the app: the description of a function's version is the release that published it."""

from __future__ import annotations

from typing import NamedTuple

import aws
from stacks import Environment

# How many rolled back releases are remembered: as many versions of a function are kept (infra/prune.sh), and some more.
REMEMBERED = 20


class Version(NamedTuple):
    number: int
    release: str
    published: str


class Alias(NamedTuple):
    """`live`: the version that serves, and during a canary the weights of others."""

    version: int
    weights: dict[str, float]


class Releases:
    def __init__(self, environment: Environment):
        self.environment = environment
        self.functions = environment.functions()
        listed = aws.succeeded(aws.parallel(_versions, list(self.functions.values())))
        self.versions: dict[str, list[Version]] = dict(zip(self.functions, listed))
        self.published: dict[str, str] = {}
        for version in (one for versions in listed for one in versions):
            self.published[version.release] = max(version.published, self.published.get(version.release, ""))
        # The newest first.
        self.order = sorted(self.published, key=lambda release: self.published[release], reverse=True)

    def aliases(self) -> dict:
        """Returns the aliases `live` by function; a `Failed` for one that cannot be read."""
        return dict(zip(self.functions, aws.parallel(_alias, list(self.functions.values()))))

    def release_of(self, function: str, number: int) -> str:
        return next((one.release for one in self.versions[function] if one.number == number), "unknown release")

    def version_in(self, function: str, release: str) -> Version | None:
        """Returns the version of a function in a release. None if the function is newer than the release."""
        rank = self.order.index(release)
        older = [one for one in self.versions[function] if self.order.index(one.release) >= rank]
        return min(older, key=lambda one: (self.order.index(one.release), -one.number), default=None)

    def describe(self, function: str, alias: Alias) -> str:
        shares = "".join(
            f", {round(weight * 100)} % to {number} ({self.release_of(function, int(number))})" for number, weight in alias.weights.items()
        )
        return f"{alias.version} ({self.release_of(function, alias.version)}){shares}"


def _versions(function: str) -> list[Version]:
    listed = aws.call("lambda", "list-versions-by-function", FunctionName=function)["Versions"]
    return [
        Version(int(one["Version"]), one.get("Description") or "(no name)", one["LastModified"]) for one in listed if one["Version"] != "$LATEST"
    ]


def _alias(function: str) -> Alias:
    found = aws.call("lambda", "get-alias", FunctionName=function, Name="live")
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return Alias(int(found["FunctionVersion"]), weights)


def rolled_back(environment: Environment) -> list[str]:
    """Returns the releases from which an operator rolled back: the next rollback does not stop at one of them."""
    return (aws.if_found(lambda: environment.parameter("rolled-back")) or "").split()


def remember(environment: Environment, releases: list[str]) -> None:
    names = [one for one in rolled_back(environment) if one not in releases] + releases
    value = " ".join(names[-REMEMBERED:])
    aws.call("ssm", "put-parameter", Name=f"/arches/{environment.name}/rolled-back", Type="String", Value=value, Overwrite=True)
