"""Resolves a template as CloudFormation does: parameters, conditions, functions, and what each resource returns.

moto's own resolver is not used: it leaves out what it cannot resolve, where CloudFormation fails.
"""

import hashlib
import ipaddress
import itertools
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from schemas import FORMS, UNIQUE, schema

NO_VALUE = object()


class Invalid(Exception):
    """A template, a parameter or a resource that AWS would refuse."""


class Resource:
    """A resource with resolved properties. The name of the class and the attributes are those that moto's answers read."""

    def __init__(self, logical_id: str, declared: dict, properties: dict, place: "Place", generation: int) -> None:
        self.logical_resource_id = logical_id
        self.cf_resource_type = declared["Type"]
        self.deletion_policy = declared.get("DeletionPolicy", "Delete")
        self.properties = properties
        self.place = place
        self.generation = generation
        self.is_custom = self.cf_resource_type.startswith("Custom::")
        self.physical_resource_id = self._physical_id()

    def __repr__(self) -> str:
        return f"{self.cf_resource_type} {self.logical_resource_id}"

    def _schema(self) -> Any:
        return schema(self.cf_resource_type, self.place.region)

    def _physical_id(self) -> str:
        return f"custom-{self._hash()}" if self.is_custom else str(self.attribute(self._schema().returned_by_ref()))

    def _hash(self) -> str:
        text = f"{self.place.stack_id}/{self.logical_resource_id}/{self.generation}"
        return hashlib.sha256(text.encode()).hexdigest()

    def name(self) -> str:
        """Returns its given name, otherwise one that CloudFormation would generate."""
        for part in reversed(self._schema().identifier):
            if isinstance(self.properties.get(part), str):
                return self.properties[part]
        for part in ("ManagedPolicyName", "TopicName", "QueueName", "LayerName", "Url", "Name", "FunctionName"):
            if isinstance(self.properties.get(part), str):
                return self.properties[part].removeprefix("https://")
        generated = f"{self.place.stack_name}-{self.logical_resource_id}-{self._hash()[:12].upper()}"
        is_lower = self.cf_resource_type.startswith(("AWS::S3", "AWS::RDS", "AWS::ElastiCache"))
        return (generated.lower() if is_lower else generated)[-63:].lstrip("-")

    def attribute(self, name: str) -> Any:
        if self.is_custom:
            return f"{name} of {self.logical_resource_id}"
        if not self._schema().has_attribute(name):
            raise Invalid(f"{self.cf_resource_type} has no attribute {name}")
        if form := FORMS.get(self.cf_resource_type, {}).get(name):
            names = {**self.properties, "FunctionName": str(self.properties.get("FunctionName")).rpartition(":")[2]}
            if isinstance(form, list):
                return form
            return form.format(
                **{key: value for key, value in names.items() if isinstance(value, str)},
                account=self.place.account, region=self.place.region, name=self.name(), hash=self._hash()[:17],
                uuid=uuid.UUID(self._hash()[:32]), number=self.generation + 1,
            )  # fmt: skip
        if name.upper().endswith("ARN") and name in self._schema().read_only:
            service = self.cf_resource_type.split("::")[1].lower()
            return f"arn:aws:{service}:{self.place.region}:{self.place.account}:{self.name()}"
        if name in self._schema().read_only and name in self._schema().identifier:
            return f"{self.logical_resource_id.lower()}-{self._hash()[:12]}"
        value = self._at(name)
        if value is not None:
            return value
        return f"{name.rpartition('.')[2].lower()}.{self.name()}" if name not in self._schema().identifier else self.name()

    def _at(self, path: str) -> Any:
        value: Any = self.properties
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def identity(self) -> tuple | None:
        """Returns what no second resource of the account may share, if AWS does not generate it."""
        if self.is_custom:
            return None
        worldwide = self.cf_resource_type.startswith(("AWS::IAM", "AWS::S3", "AWS::CloudFront", "AWS::Route53"))
        place = (self.cf_resource_type, "" if worldwide else self.place.region)
        if path := UNIQUE.get(self.cf_resource_type):
            name = self._at(path)
            return None if name is None else (*place, name)
        names = self._schema().identifier
        if any(name in self._schema().read_only or name not in self.properties for name in names):
            return None
        return (*place, *(str(self.properties[name]) for name in names))

    def create_only(self) -> set[str]:
        """Returns the properties whose change makes a new resource."""
        return self._schema().create_only

    def problems(self) -> list[str]:
        return [] if self.is_custom else list(self._schema().problems(self.properties))


class Place:
    """Where a stack is."""

    def __init__(self, account: str, region: str, stack_name: str, stack_id: str) -> None:
        self.account, self.region, self.stack_name, self.stack_id = account, region, stack_name, stack_id


def parameters(template: dict, given: dict[str, str], published: Callable[[str], str]) -> dict[str, Any]:
    """Returns the values of all parameters. `published` reads a parameter of SSM."""
    declared = template.get("Parameters", {})
    if unknown := given.keys() - declared.keys():
        raise Invalid(f"Parameters: [{', '.join(sorted(unknown))}] do not exist in the template")
    values = {}
    for name, parameter in declared.items():
        if name not in given and "Default" not in parameter:
            raise Invalid(f"Parameters: [{name}] must have values")
        value = str(given.get(name, parameter.get("Default")))
        kind = parameter["Type"]
        if kind.startswith("AWS::SSM::Parameter::Value"):
            value = published(value)
        _check(name, parameter, value)
        values[name] = value.split(",") if "List" in kind else value
    return values


def _check(name: str, parameter: dict, value: str) -> None:
    allowed = [_text(one) for one in parameter.get("AllowedValues", [value])]
    if value not in allowed:
        raise Invalid(f"Parameter '{name}' must be one of AllowedValues, not {value!r}")
    if not re.fullmatch(str(parameter.get("AllowedPattern", ".*")), value, re.DOTALL):
        raise Invalid(f"Parameter {name} failed to satisfy constraint: {value!r} does not match the pattern")
    if parameter["Type"] == "Number":
        number = float(value)
        if not float(parameter.get("MinValue", number)) <= number <= float(parameter.get("MaxValue", number)):
            raise Invalid(f"Parameter {name} failed to satisfy constraint: {value} is out of range")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Resolver:
    def __init__(self, template: dict, values: dict[str, Any], place: Place) -> None:
        self.template, self.values, self.place = template, values, place
        self.made: dict[str, Resource] = {}
        self.pseudo = {
            "AWS::AccountId": place.account,
            "AWS::Region": place.region,
            "AWS::StackId": place.stack_id,
            "AWS::StackName": place.stack_name,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NO_VALUE,
        }

    def holds(self, condition: str) -> bool:
        if condition not in self.template.get("Conditions", {}):
            raise Invalid(f"Template format error: unresolved condition dependency {condition}")
        return self._test(self.template["Conditions"][condition])

    def _test(self, test: Any) -> bool:
        ((operator, operand),) = test.items()
        match operator:
            case "Condition":
                return self.holds(operand)
            case "Fn::Equals":
                return _text(self.resolve(operand[0])) == _text(self.resolve(operand[1]))
            case "Fn::Not":
                return not self._test(operand[0])
            case "Fn::And":
                return all(self._test(one) for one in operand)
            case "Fn::Or":
                return any(self._test(one) for one in operand)
        raise Invalid(f"Template format error: unknown condition {operator}")

    def order(self) -> list[str]:
        """Returns the resources that exist, each after those that it needs."""
        declared = self.template["Resources"]
        wanted = {name: one for name, one in declared.items() if "Condition" not in one or self.holds(one["Condition"])}
        ordered: list[str] = []
        visiting: list[str] = []

        def visit(name: str) -> None:
            if name in ordered:
                return
            if name in visiting:
                raise Invalid(f"Circular dependency between resources: [{', '.join(visiting)}]")
            visiting.append(name)
            depends = wanted[name].get("DependsOn", [])
            for needed in [depends] if isinstance(depends, str) else depends:
                if needed not in declared:
                    raise Invalid(f"Template format error: Unresolved resource dependencies [{needed}]")
                if needed in wanted:
                    visit(needed)
            for needed in self._named(wanted[name].get("Properties", {})):
                if needed in wanted:
                    visit(needed)
            visiting.remove(name)
            ordered.append(name)

        for name in wanted:
            visit(name)
        return ordered

    def _named(self, value: Any) -> set[str]:
        """Returns the resources to which a value refers, after conditions."""
        if isinstance(value, list):
            return set().union(*(self._named(one) for one in value))
        if not isinstance(value, dict):
            return set()
        if "Fn::If" in value and len(value) == 1:
            condition, yes, no = value["Fn::If"]
            return self._named(yes if self.holds(condition) else no)
        named = set().union(*(self._named(one) for one in value.values()))
        if isinstance(value.get("Ref"), str):
            named.add(value["Ref"])
        if target := value.get("Fn::GetAtt"):
            named.add((target.split(".") if isinstance(target, str) else target)[0])
        if text := value.get("Fn::Sub"):
            text, own = text if isinstance(text, list) else (text, {})
            named |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)} - own.keys()
        return named

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, operand),) = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._call(name, operand)
        resolved = {key: self.resolve(one) for key, one in value.items()}
        return {key: one for key, one in resolved.items() if one is not NO_VALUE}

    def _call(self, name: str, operand: Any) -> Any:
        match name:
            case "Ref":
                return self._ref(operand)
            case "Condition":
                return self.holds(operand)
            case "Fn::GetAtt":
                target, attribute = operand.split(".", 1) if isinstance(operand, str) else operand
                return self._resource(target).attribute(self.resolve(attribute))
            case "Fn::If":
                condition, yes, no = operand
                return self.resolve(yes if self.holds(condition) else no)
            case "Fn::Sub":
                text, own = operand if isinstance(operand, list) else (operand, {})
                return self._substituted(text, self.resolve(own))
            case "Fn::Join":
                return operand[0].join(map(_text, self.resolve(operand[1])))
            case "Fn::Select":
                return self.resolve(operand[1])[int(self.resolve(operand[0]))]
            case "Fn::Split":
                return self.resolve(operand[1]).split(operand[0])
            case "Fn::FindInMap":
                table, first, second = (self.resolve(one) for one in operand[:3])
                try:
                    return self.template["Mappings"][table][_text(first)][_text(second)]
                except KeyError as error:
                    raise Invalid(f"Template error: Unable to get mapping for {table}::{first}::{second}") from error
            case "Fn::Cidr":
                block, count, bits = self.resolve(operand)
                block = ipaddress.ip_network(block)
                return [str(one) for one in itertools.islice(block.subnets(new_prefix=block.max_prefixlen - bits), count)]
            case "Fn::GetAZs":
                return [f"{self.place.region}{zone}" for zone in "abc"]
            case "Fn::ToJsonString":
                return json.dumps(self.resolve(operand))
        raise Invalid(f"Template error: {name} is not known")

    def _substituted(self, text: str, own: dict) -> str:
        def value(found: re.Match) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return _text(own[name])
            return _text(self._call("Fn::GetAtt", name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)

    def _ref(self, name: str) -> Any:
        for values in (self.pseudo, self.values):
            if name in values:
                return values[name]
        return self._resource(name).physical_resource_id

    def _resource(self, name: str) -> Resource:
        if name not in self.made:
            raise Invalid(f"Template format error: Unresolved resource dependencies [{name}]")
        return self.made[name]
