"""moto's server with a CloudFormation that transforms SAM, computes change sets and checks resources.

moto keeps the stacks, the change sets and their API. Replaced: the resolver (templates.py), the resources, which are
checked against AWS's schemas instead of being created, and the execution. Buckets and SSM parameters are created in moto, because
`sam deploy` and other stacks read them. What this cannot show: docs/testing.md, "A deployment is tried".
"""

import copy
import logging
import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

import boto3
from moto import settings
from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import CloudFormationError, ValidationError
from moto.core.exceptions import ServiceException
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.exceptions import DBClusterNotFoundError
from moto.rds.responses import RDSResponse
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
from werkzeug.serving import make_server

from templates import Invalid, Place, Resolver, Resource, parameters

EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."

# The same resource as `identity` of templates.py, and who has it: a stack's resource, or a resource that outlived its stack.
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
        return list(self.made.values())

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
        RETAINED.append((resource.deletion_policy, resource.cf_resource_type, resource.physical_resource_id))
    identity = resource.identity()
    if identity and (not stays or resource.deletion_policy == "Snapshot"):
        TAKEN.pop(identity, None)
    if resource.cf_resource_type == "AWS::SSM::Parameter":
        ssm_backends[stack.account_id][stack.region_name].delete_parameter(resource.properties["Name"])


def _create(stack: Stack, resource: Resource) -> None:
    """Creates a resource, or a new one in place of another. Raises Invalid if AWS would refuse it."""
    if problems := resource.problems():
        raise Invalid(f"{resource}: {'; '.join(problems)}")
    identity, owner = resource.identity(), f"{stack.stack_id}/{resource.logical_resource_id}"
    if identity and TAKEN.setdefault(identity, owner) != owner:
        raise Invalid(f"{resource}: {identity} already exists")
    if resource.cf_resource_type == "AWS::S3::Bucket":
        buckets = s3_backends[stack.account_id]["aws"]
        if resource.physical_resource_id not in buckets.buckets:
            buckets.create_bucket(resource.physical_resource_id, stack.region_name)
    if resource.cf_resource_type == "AWS::SSM::Parameter":
        _publish(stack, resource)


def _publish(stack: Stack, resource: Resource) -> None:
    given = resource.properties
    if not given["Value"]:
        raise Invalid(f"{resource}: an empty value")
    ssm_backends[stack.account_id][stack.region_name].put_parameter(
        name=given["Name"], description="", value=given["Value"], parameter_type=given["Type"], allowed_pattern="",
        keyid="", overwrite=True, tags=[], data_type="text", tier=None, policies=None,
    )  # fmt: skip


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


def _change_set_of(self: Any) -> Any:
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    kind = self._get_param("ChangeSetType", "UPDATE")
    found = [stack for stack in backend.stacks.values() if stack.name == name]
    if found and kind == "CREATE" and found[0].status != "REVIEW_IN_PROGRESS":
        raise ValidationError(message=f"Stack [{name}] already exists and cannot be created again with the changeSet.")
    if not found and kind == "UPDATE":
        raise ValidationError(name)
    if found and found[0].status in ("ROLLBACK_COMPLETE", "CREATE_FAILED"):
        raise ValidationError(message=f"Stack:{name} is in {found[0].status} state and can not be updated.")
    asked = {key: self._get_param(key) for key in ("Description", "RoleARN")}
    asked["Capabilities"] = self._get_param("Capabilities", [])
    role = asked["RoleARN"]
    if role and ("AWS::IAM::Role", "", role.rpartition("/")[2]) not in TAKEN:
        raise ValidationError(message=f"Role {role} is invalid or cannot be assumed")
    tags = {one["Key"]: one["Value"] for one in self._get_param("Tags", [])}
    stack = found[0] if found else Stack(name, self.region, self.current_account)
    url, body = self._get_param("TemplateURL"), self._get_param("TemplateBody")
    given = {
        one["ParameterKey"]: stack.parameters[one["ParameterKey"]] if one.get("UsePreviousValue") else one["ParameterValue"]
        for one in self._get_param("Parameters", [])
    }
    template = self._get_stack_from_s3_url(url) if url else body
    change_set = ChangeSet(stack, kind, self._get_param("ChangeSetName"), template, given, tags, asked)
    backend.stacks[stack.stack_id] = stack
    backend.change_sets[change_set.change_set_id] = change_set
    return responses.ActionResult({"Id": change_set.change_set_id, "StackId": stack.stack_id})


def _executed(self: Any) -> Any:
    change_set = self.cloudformation_backend.describe_change_set(self._get_param("ChangeSetName"))
    if change_set.execution_status != "AVAILABLE":
        raise ValidationError(message=f"ChangeSet is in {change_set.execution_status}")
    change_set.execute()
    return responses.EmptyResult()


def _protected(self: Any) -> Any:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
    return responses.ActionResult({"StackId": stack.stack_id})


def _unprotected(self: Any) -> Any:
    """Answers `modify-db-cluster`, whose cluster is only a resource of a stack here."""
    name, protected = self.params["DBClusterIdentifier"], self.params["DeletionProtection"]
    stacks = models.cloudformation_backends[self.current_account][self.region].stacks.values()
    for resource in [one for stack in stacks for one in stack.made.values()]:
        if resource.cf_resource_type == "AWS::RDS::DBCluster" and resource.physical_resource_id == name:
            resource.properties["DeletionProtection"] = protected
            return responses.ActionResult({"DBCluster": {"DBClusterIdentifier": name}})
    raise DBClusterNotFoundError(name)


def _shown(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Shows an unexpected error, which the caller would only see as a 500."""

    def answered(self: Any) -> Any:
        try:
            return answer(self)
        except ServiceException:
            raise
        except Exception:
            traceback.print_exc()
            raise

    return answered


def start() -> str:
    """Starts the server. Returns its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    # A certificate is issued at once.
    settings.ACM_VALIDATION_WAIT = -1
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    for name, answer in {
        "create_change_set": _change_set_of,
        "execute_change_set": _executed,
        "update_termination_protection": _protected,
    }.items():
        setattr(responses.CloudFormationResponse, name, _shown(answer))
    RDSResponse.modify_db_cluster = _shown(_unprotected)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # By this name moto finds the bucket in the path of a URL.
    return f"http://localhost:{server.server_port}"
