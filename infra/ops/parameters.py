"""The parameters of an environment, as the project has them: infra/environments/<environment>/<stack>.yaml, and what functions reserve."""

from __future__ import annotations

import re

from stacks import INFRA


def of(environment: str, stack: str) -> dict[str, str]:
    """Returns the parameters of a stack. These files have one `Name: value` per line."""
    text = (INFRA / "environments" / environment / f"{stack}.yaml").read_text(encoding="utf-8")
    return {name: value.strip().strip("\"'") for name, value in re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)}


def reserved_concurrency(environment: str) -> int:
    """Returns how many concurrent executions the functions of an environment reserve together."""
    given, total = of(environment, "app"), 0
    for fragment in (INFRA / "app" / "functions").glob("*.yaml"):
        text = fragment.read_text(encoding="utf-8")
        total += sum(int(number) for number in re.findall(r"^ +ReservedConcurrentExecutions: (\d+)$", text, re.MULTILINE))
        for name in re.findall(r"^ +ReservedConcurrentExecutions: !If \[\w+, !Ref (\w+),", text, re.MULTILINE):
            total += max(int(given[name]), 0)  # -1 reserves nothing
    return total
