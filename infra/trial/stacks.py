"""Stacks and change sets: what CloudFormation does with a template."""

import copy
import json
from typing import Any

import boto3
from moto.awslambda.models import lambda_backends
from moto.cloudformation import models
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from templates import Invalid, Place, Resolver, Resource, parameters

EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."

# Who has a name (`identity` in templates.py): a resource of a stack, or one that outlived its stack.
TAKEN: dict[tuple, str] = {}
RETAINED: list[tuple[str, str, str]] = []
# The changes of each executed change set, by stack: (action, logical id, type, replacement).
EXECUTED: dict[str, list[tuple[str, str, str, str]]] = {}


class InsufficientCapabilities(CloudFormationError):
    code = "InsufficientCapabilitiesException"


class Stack:
    """A stack whose resources are those of the executed change sets. The attributes are those that moto's answers read."""

    class Meta:
        serialization_aliases = {"Parameters": "parameter_list"}

    def __init__(self, name: str, region: str, account: str) -> None:
        self.stack_id = models.generate_stack_id(name, region, account)
        self.name, self.region_name, self.account_id = name, region, account
        self.status, self.creation_time, self.description = "REVIEW_IN_PROGRESS", models.utcnow(), None
        self.template: str | dict = {}
        self.parameters: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.events: list[models.Event] = []
        self.role_arn: str | None = None
        self.enable_termination_protection, self.disable_rollback, self.notification_arns = False, False, []
        self.place = Place(account, region, name, self.stack_id)
        self.made: dict[str, Resource] = {}
        # What stayed when the stack was deleted.
        self.skipped: list[Resource] = []
        self.output_values: dict[str, str] = {}
        self.processed: dict = {}
        self.values: dict[str, Any] = {}
        self.event(None, self.status, "User Initiated")

    @property
    def stack_parameters(self) -> dict:
        return self.parameters

    @property
    def parameter_list(self) -> list[dict]:
        return [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]

    @property
    def stack_resources(self) -> list[Resource]:
        return list(self.made.values()) or self.skipped

    @property
    def outputs(self) -> list[dict] | None:
        return [{"OutputKey": key, "OutputValue": value} for key, value in self.output_values.items()] or None

    @property
    def exports(self) -> list:
        return []

    def event(self, resource: Resource | None, status: str, reason: str | None = None) -> None:
        logical = resource.logical_resource_id if resource else self.name
        kind = resource.cf_resource_type if resource else "AWS::CloudFormation::Stack"
        physical = resource.physical_resource_id if resource else self.stack_id
        self.events.append(models.Event(self.stack_id, self.name, logical, physical, kind, status, reason, None))

    def delete(self) -> None:
        if self.enable_termination_protection:
            raise ValidationError(message=f"Stack [{self.name}] cannot be deleted while TerminationProtection is enabled")
        for resource in reversed(list(self.made.values())):
            _remove(self, resource)
        self.made.clear()
        self.status = "DELETE_COMPLETE"
        self.event(None, self.status)


def _remove(stack: Stack, resource: Resource) -> None:
    if resource.properties.get("DeletionProtection") in (True, "true"):
        raise ValidationError(message=f"Cannot delete protected {resource}")
    # The versions of a function are deleted with it.
    stays = resource.deletion_policy != "Delete" and resource.cf_resource_type != "AWS::Lambda::Version"
    if stays:
        stack.skipped.append(resource)
        RETAINED.append((resource.deletion_policy, resource.cf_resource_type, resource.physical_resource_id))
    identity = resource.identity()
    if identity and (not stays or resource.deletion_policy == "Snapshot"):
        for name in [identity, *_copies(resource)]:
            TAKEN.pop(name, None)
    if not stays and resource.cf_resource_type in IN_MOTO:
        IN_MOTO[resource.cf_resource_type][1](stack, resource)


def _copies(resource: Resource) -> list[tuple]:
    """Returns the names that a secret takes in the regions of its copies."""
    regions = resource.properties.get("ReplicaRegions", []) if "SecretsManager" in resource.cf_resource_type else []
    return [(resource.cf_resource_type, one["Region"], resource.properties["Name"]) for one in regions]


def _create(stack: Stack, resource: Resource) -> None:
    """Creates a resource, or changes it. Raises Invalid if AWS would refuse it."""
    if problems := resource.problems():
        raise Invalid(f"{resource}: {'; '.join(problems)}")
    identity, owner = resource.identity(), f"{stack.stack_id}/{resource.logical_resource_id}"
    for name in [identity, *_copies(resource)]:
        if name and TAKEN.setdefault(name, owner) != owner:
            raise Invalid(f"{resource}: {name} already exists")
    if resource.cf_resource_type in IN_MOTO:
        IN_MOTO[resource.cf_resource_type][0](stack, resource)


def _create_bucket(stack: Stack, resource: Resource) -> None:
    buckets = s3_backends[stack.account_id]["aws"]
    if resource.physical_resource_id not in buckets.buckets:
        buckets.create_bucket(resource.physical_resource_id, stack.region_name)


def _delete_bucket(stack: Stack, resource: Resource) -> None:
    s3_backends[stack.account_id]["aws"].delete_bucket(resource.physical_resource_id)


def _put_parameter(stack: Stack, resource: Resource) -> None:
    given = resource.properties
    if not given["Value"]:
        raise Invalid(f"{resource}: an empty value")
    ssm_backends[stack.account_id][stack.region_name].put_parameter(
        name=given["Name"], description="", value=given["Value"], parameter_type=given["Type"], allowed_pattern="",
        keyid="", overwrite=True, tags=[], data_type="text", tier=None, policies=None,
    )  # fmt: skip


def _delete_parameter(stack: Stack, resource: Resource) -> None:
    ssm_backends[stack.account_id][stack.region_name].delete_parameter(resource.properties["Name"])


def _create_role(stack: Stack, resource: Resource) -> None:
    roles = iam_backends[stack.account_id]["aws"]
    if resource.name() not in [role.name for role in roles.roles.values()]:
        trusted = json.dumps(resource.properties["AssumeRolePolicyDocument"])
        roles.create_role(resource.name(), trusted, "/", None, "", [], "3600")


def _delete_role(stack: Stack, resource: Resource) -> None:
    iam_backends[stack.account_id]["aws"].delete_role(resource.name())


def _create_function(stack: Stack, resource: Resource) -> None:
    given = {name: resource.properties[name] for name in ("Role", "Handler", "Runtime")}
    given |= {"FunctionName": resource.physical_resource_id, "Code": {"ZipFile": ""}, "Timeout": 3}
    lambda_backends[stack.account_id][stack.region_name].create_function(given)


def _delete_function(stack: Stack, resource: Resource) -> None:
    lambda_backends[stack.account_id][stack.region_name].delete_function(resource.physical_resource_id, None)


def _create_log_group(stack: Stack, resource: Resource) -> None:
    logs = logs_backends[stack.account_id][stack.region_name]
    if resource.physical_resource_id not in logs.groups:
        logs.create_log_group(resource.physical_resource_id, {})


def _delete_log_group(stack: Stack, resource: Resource) -> None:
    logs_backends[stack.account_id][stack.region_name].delete_log_group(resource.physical_resource_id)


def _create_key(stack: Stack, resource: Resource) -> None:
    keys = kms_backends[stack.account_id][stack.region_name]
    if resource.physical_resource_id not in keys.keys:
        key = keys.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
        del keys.keys[key.id]
        key.id = resource.physical_resource_id
        keys.keys[key.id] = key


def _delete_key(stack: Stack, resource: Resource) -> None:
    del kms_backends[stack.account_id][stack.region_name].keys[resource.physical_resource_id]


# Resources that programs of the trial read: how moto creates and deletes them.
IN_MOTO = {
    "AWS::IAM::Role": (_create_role, _delete_role),
    "AWS::KMS::Key": (_create_key, _delete_key),
    "AWS::Logs::LogGroup": (_create_log_group, _delete_log_group),
    "AWS::Lambda::Function": (_create_function, _delete_function),
    "AWS::S3::Bucket": (_create_bucket, _delete_bucket),
    "AWS::SSM::Parameter": (_put_parameter, _delete_parameter),
}


def _published(stack: Stack, name: str) -> str:
    found = ssm_backends[stack.account_id][stack.region_name].get_parameter(name)
    if found is None:
        raise Invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.")
    return found.value


class ChangeSet:
    """A change set: the resources that the stack will have, and how they differ from those that it has."""

    def __init__(self, stack: Stack, kind: str, name: str, template: str, given: dict, tags: dict, asked: dict) -> None:
        self.stack, self.stack_id, self.stack_name = stack, stack.stack_id, stack.name
        self.change_set_type, self.change_set_name = kind, name
        self.change_set_id = models.generate_changeset_id(name, stack.region_name, stack.account_id)
        self.template, self.parameters, self.tags = template, given, tags
        self.description, self.role_arn, self.notification_arns = asked["Description"], asked["RoleARN"], []
        self.creation_time = models.utcnow()
        self.status, self.execution_status, self.status_reason = "CREATE_COMPLETE", "AVAILABLE", None
        self.changes: list[models.Change] = []
        self.outputs: dict[str, str] = {}
        try:
            self._compute(asked["Capabilities"])
        except Invalid as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        self.status, self.execution_status, self.status_reason = "FAILED", "UNAVAILABLE", reason

    def _compute(self, capabilities: list[str]) -> None:
        stack = self.stack
        template = yaml_parse(self.template)
        self.values = parameters(template, self.parameters, lambda name: _published(stack, name))
        # A stack keeps the defaults of the template that created it.
        defaults = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
        self.parameters = {name: self.parameters.get(name, default) for name, default in defaults.items()}
        self.processed = transformed(template, self.parameters, stack.region_name)
        require_capabilities(self.processed, capabilities)
        resolver = Resolver(self.processed, self.values, stack.place)
        self.actions: list[tuple[str, Resource, str]] = []
        for name in resolver.order():
            declared = self.processed["Resources"][name]
            properties = resolver.resolve(declared.get("Properties", {}))
            resolver.made[name] = self._planned(name, declared, properties)
        self.resources = resolver.made
        removed = [one for name, one in stack.made.items() if name not in self.resources]
        self.actions += [("Remove", one, "") for one in removed]
        for name, output in (self.processed.get("Outputs") or {}).items():
            if "Condition" not in output or resolver.holds(output["Condition"]):
                self.outputs[name] = resolver.resolve(output["Value"])
        for action, resource, replacement in self.actions:
            change = models.Change(action, resource.logical_resource_id, resource.cf_resource_type)
            change.replacement = replacement or None
            self.changes.append(change)
        same = (self.processed, self.values, self.tags) == (stack.processed, stack.values, stack.tags)
        if self.change_set_type == "UPDATE" and same and not self.actions:
            self._fail(EMPTY)

    def _planned(self, name: str, declared: dict, properties: dict) -> Resource:
        """Returns the resource as it will be, and notes what happens to it."""
        old = self.stack.made.get(name)
        if old is None:
            new = Resource(name, declared, properties, self.stack.place, 0)
            self.actions.append(("Add", new, ""))
            return new
        new = Resource(name, declared, properties, self.stack.place, old.generation)
        if old.cf_resource_type == new.cf_resource_type and old.properties == properties:
            return new
        changed = {key for key in old.properties.keys() | properties.keys() if old.properties.get(key) != properties.get(key)}
        is_replaced = not new.is_custom and bool(changed & new.create_only())
        if is_replaced:
            new = Resource(name, declared, properties, self.stack.place, old.generation + 1)
        self.actions.append(("Modify", new, str(is_replaced)))
        return new

    def execute(self) -> None:
        stack = self.stack
        stack.event(None, f"{self.change_set_type}_IN_PROGRESS", "User Initiated")
        before = copy.copy(TAKEN)
        failure = None
        for action, resource, replacement in self.actions:
            old = stack.made.get(resource.logical_resource_id)
            try:
                if action != "Remove":
                    _create(stack, resource)
                if action == "Remove" or replacement == "True":
                    _remove(stack, old)
                stack.event(resource, f"{'DELETE' if action == 'Remove' else self.change_set_type}_COMPLETE")
            except Invalid as error:
                failure = str(error)
                stack.event(resource, f"{self.change_set_type}_FAILED", failure)
                break
        if failure:
            TAKEN.clear()
            TAKEN.update(before)
            stack.status = "ROLLBACK_COMPLETE" if self.change_set_type == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        else:
            self._keep()
        stack.event(None, stack.status, failure)

    def _keep(self) -> None:
        stack = self.stack
        stack.status = f"{self.change_set_type}_COMPLETE"
        stack.made, stack.output_values = self.resources, self.outputs
        stack.template, stack.parameters, stack.tags = self.template, self.parameters, self.tags
        stack.processed, stack.values, stack.role_arn = self.processed, self.values, self.role_arn
        self.execution_status = "EXECUTE_COMPLETE"
        shown = [(action, one.logical_resource_id, one.cf_resource_type, kind) for action, one, kind in self.actions]
        EXECUTED.setdefault(stack.name, []).append(shown)


def transformed(template: dict, given: dict, region: str) -> dict:
    """Returns the template after the transform of SAM."""
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return template
    session = boto3.session.Session(region_name=region)
    # The second {} is a map of AWS's managed policies; no role uses one.
    return Translator({}, Parser(), None, session).translate(template, dict(given))


NAMES_OF_IDENTITIES = {"RoleName", "ManagedPolicyName", "UserName", "GroupName", "InstanceProfileName"}


def require_capabilities(template: dict, capabilities: list[str]) -> None:
    identities = [one for one in template["Resources"].values() if one["Type"].startswith("AWS::IAM::")]
    named = [one for one in identities if NAMES_OF_IDENTITIES & one.get("Properties", {}).keys()]
    if named and "CAPABILITY_NAMED_IAM" not in capabilities:
        raise InsufficientCapabilities("Requires capabilities : [CAPABILITY_NAMED_IAM]")
    if identities and not {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"} & set(capabilities):
        raise InsufficientCapabilities("Requires capabilities : [CAPABILITY_IAM]")
