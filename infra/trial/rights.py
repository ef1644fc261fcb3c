"""Compares the rights of CloudFormation's role with what AWS's schemas say that it calls: infra/trial/rights.py [<account template>…]

A type's handlers declare the actions that they call. AWS's list of actions says which of them know resources: an action
that knows none is granted only on `*`. Prints what is missing, and fails if anything is.
"""

import fnmatch
import functools
import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

import cfnlint
from samtranslator.yaml_helper import yaml_parse

from exceptions import NEVER_CALLED, UNDECLARED
from schemas import schema
from templates import Place, Resolver, Resource, parameters

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
# Not one of the regions in which AWS runs its global services.
REGION = "eu-west-1"
ENVIRONMENT = "staging"
# Their calls are made in us-east-1, wherever the stack is.
GLOBAL = {"cloudfront", "iam", "route53"}

SERVICES = json.loads((pathlib.Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text())


def _each(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


class Statement:
    def __init__(self, document: dict) -> None:
        tag = "${aws:PrincipalTag/environment}"
        document = json.loads(json.dumps(document).replace(tag, ENVIRONMENT))
        self.is_allow = document["Effect"] == "Allow"
        self.actions = _each(document["Action"])
        self.resources = _each(document["Resource"])
        self.condition = document.get("Condition", {})

    def names(self, action: str) -> bool:
        return any(_overlap(one.lower(), action.lower()) for one in self.actions)

    def reaches(self, action: str) -> bool:
        """Tells whether it names a resource of the action, and its condition can hold."""
        service, name = action.lower().split(":")
        # Some schemas name operations of the API that are no actions of IAM; a wildcard may cover them.
        if name not in SERVICES[service]["Actions"]:
            return True
        known = SERVICES[service]["Actions"][name].get("Resources", [])
        kinds = {kind: SERVICES[service]["Resources"].get(kind, {}) for kind in known}
        region = "us-east-1" if service in GLOBAL else REGION
        if region not in _each(self.condition.get("StringEquals", {}).get("aws:RequestedRegion", region)):
            return False
        if not known:
            asks_for_tag = any("aws:ResourceTag" in key for key in self.condition.get("StringEquals", {}))
            return "*" in self.resources and not asks_for_tag
        formats = [form for kind in kinds.values() for form in kind.get("ARNFormats", [])] or ["arn:*"]
        return any(_overlap(own, _pattern(form)) for own in self.resources for form in formats)


    def denies_region(self, action: str) -> bool:
        """Tells whether it denies the action in the region where AWS receives it."""
        allowed = self.condition.get("StringNotEquals", {}).get("aws:RequestedRegion")
        if self.is_allow or allowed is None or not self.names(action):
            return False
        return ("us-east-1" if action.split(":")[0] in GLOBAL else REGION) not in allowed


def _pattern(form: str) -> str:
    """Returns the form of an ARN as a pattern with `*`."""
    for name, value in {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}.items():
        form = form.replace("${" + name + "}", value)
    return re.sub(r"\$\{[^}]*\}|\.\*", "*", form)


@functools.cache
def _overlap(left: str, right: str) -> bool:
    """Tells whether a text exists that matches both patterns with `*`."""
    if not left or not right:
        return not (left or right).strip("*")
    if left[0] == "*":
        return _overlap(left[1:], right) or _overlap(left, right[1:])
    if right[0] == "*":
        return _overlap(right, left)
    return left[0] == right[0] and _overlap(left[1:], right[1:])


def policy(name: str) -> list[Statement]:
    """Returns the statements of a policy of the account stack, by its logical id."""
    made = _made(yaml_parse((ROOT / "infra/stacks/account.yaml").read_text()))
    (found,) = (one for one in made if one.logical_resource_id == name)
    return [Statement(one) for one in found.properties["PolicyDocument"]["Statement"]]


def not_granted(calls: set[str], name: str) -> list[str]:
    """Returns the calls that a policy of the account stack does not grant."""
    statements = [one for one in policy(name) if one.is_allow]
    return sorted(call for call in calls if not any(one.names(call) and one.reaches(call) for one in statements))


def _made(template: dict) -> list[Resource]:
    place = Place(ACCOUNT, REGION, "arches-account", "stack")
    required = {name for name, one in template.get("Parameters", {}).items() if "Default" not in one}
    given = {"Repository": "example/arches", "Regions": REGION}
    values = parameters(template, {name: given.get(name, "1") for name in required}, lambda name: name)
    resolver = Resolver(template, values, place)
    for name in resolver.order():
        declared = template["Resources"][name]
        resolver.made[name] = Resource(name, declared, resolver.resolve(declared.get("Properties", {})), place, 0)
    return list(resolver.made.values())


def granted(paths: list[pathlib.Path]) -> list[Statement]:
    """Returns the statements of the policies of CloudFormation's role."""
    made = [resource for path in paths for resource in _made(yaml_parse(path.read_text()))]
    policies = {one.physical_resource_id: one.properties for one in made if one.cf_resource_type == "AWS::IAM::ManagedPolicy"}
    name = f"arches-account-cloudformation-{ENVIRONMENT}"
    (role,) = (one for one in made if one.properties.get("RoleName") == name)
    own = [one["PolicyDocument"] for one in role.properties.get("Policies", [])]
    documents = [policies[arn]["PolicyDocument"] for arn in role.properties["ManagedPolicyArns"]] + own
    return [Statement(one) for document in documents for one in document["Statement"]]


def too_long(paths: list[pathlib.Path]) -> Iterator[str]:
    """IAM accepts 6,144 characters in a policy, without spaces."""
    for path in paths:
        for resource in _made(yaml_parse(path.read_text())):
            text = json.dumps(resource.properties.get("PolicyDocument", {}), separators=(",", ":"))
            if resource.cf_resource_type == "AWS::IAM::ManagedPolicy" and len(text) > 6144:
                yield f"{resource}: {len(text)} characters; IAM accepts 6,144"


def deployed_types() -> set[str]:
    """Returns the types of all stacks of an environment, as CloudFormation gets them."""
    files = [ROOT / "template.yaml", *sorted((ROOT / "infra/stacks").glob("*.yaml"))]
    types = set()
    for file in files:
        if not file.name.startswith("account"):
            translate = [sys.executable, ROOT / "infra/translate.py", file]
            text = subprocess.run(translate, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            types |= {resource["Type"] for resource in json.loads(text)["Resources"].values()}
    return {kind for kind in types if not kind.startswith("Custom::")}


def missing(types: set[str], statements: list[Statement]) -> Iterator[str]:
    used: set[str] = set()
    for kind in sorted(types):
        permissions = schema(kind, REGION).permissions()
        if not permissions and kind not in UNDECLARED:
            yield f"{kind}: AWS's schema does not say what it calls; name its actions in infra/trial/exceptions.py"
        # No deployment lists: Cloud Control and imports do.
        permissions.pop("list", None)
        actions = set().union(*permissions.values(), UNDECLARED.get(kind, ()))
        for action in sorted(actions):
            if excepted := [pattern for pattern in NEVER_CALLED if fnmatch.fnmatchcase(action, pattern)]:
                used.update(excepted)
                continue
            naming = [one for one in statements if one.is_allow and one.names(action)]
            if not naming:
                yield f"{kind}: {action} is not granted"
            elif any(one.denies_region(action) for one in statements):
                yield f"{kind}: {action} is denied in its region"
            elif not any(one.reaches(action) for one in naming):
                yield f"{kind}: {action} is granted, but not where it can be used"
    for pattern in sorted(NEVER_CALLED.keys() - used):
        yield f"infra/trial/exceptions.py: no type calls {pattern}"


def main() -> None:
    paths = [pathlib.Path(path) for path in sys.argv[1:]] or sorted((ROOT / "infra/stacks").glob("account*.yaml"))
    problems = [*missing(deployed_types(), granted(paths)), *too_long(paths)]
    print("\n".join(problems))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
