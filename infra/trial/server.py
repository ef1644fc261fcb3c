"""moto's server with a CloudFormation that transforms SAM, computes change sets and checks resources.

moto keeps the stacks, the change sets and their API. Replaced: the resolver (templates.py), the resources, which are
checked against AWS's schemas instead of being created, and the execution (stacks.py). Roles, buckets, SSM parameters, log groups, keys and functions without
code are also created in moto, because `sam deploy`, other stacks, infra/prune.sh and infra/ops read them. What this cannot show: docs/testing.md,
"A deployment is tried".
"""

import logging
import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

from moto import settings
from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import ValidationError
from moto.core.exceptions import ServiceException
from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.exceptions import DBClusterNotFoundError, DBInstanceNotFoundError
from moto.rds.responses import RDSResponse
from werkzeug.serving import make_server

from stacks import TAKEN, ChangeSet, Stack


# The actions that were called, as IAM names them. Without those of S3, which moto answers elsewhere.
CALLED: set[str] = set()


def _recorded(self: BaseResponse) -> Any:
    CALLED.add(f"{self.service_name.removeprefix('aws')}:{self._get_action()}")
    return CALL(self)


CALL = BaseResponse.call_action


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


def _listed(self: Any) -> Any:
    """Like moto's answer, but the resources of a deleted stack are those that stayed."""
    stack, resources = self.cloudformation_backend.list_stack_resources(self._get_param("StackName"))
    status = "DELETE_SKIPPED" if stack.status == "DELETE_COMPLETE" else "CREATE_COMPLETE"
    shown = [
        {
            "LogicalResourceId": one.logical_resource_id,
            "PhysicalResourceId": one.physical_resource_id,
            "ResourceType": one.cf_resource_type,
            "ResourceStatus": status,
            "LastUpdatedTimestamp": stack.creation_time,
        }
        for one in resources
    ]
    return responses.ActionResult({"StackResourceSummaries": shown})


def _unprotected(kind: str, missing: type[Exception]) -> Callable[[Any], Any]:
    """Answers `modify-db-cluster` or `modify-db-instance`, whose database is only a resource of a stack here."""

    def answer(self: Any) -> Any:
        name, protected = self.params[f"{kind}Identifier"], self.params["DeletionProtection"]
        stacks = models.cloudformation_backends[self.current_account][self.region].stacks.values()
        for resource in [one for stack in stacks for one in stack.made.values()]:
            if resource.cf_resource_type == f"AWS::RDS::{kind}" and resource.physical_resource_id == name:
                resource.properties["DeletionProtection"] = protected
                return responses.ActionResult({kind: {f"{kind}Identifier": name}})
        raise missing(name)

    return answer


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
    for name in ("werkzeug", "samtranslator"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    # A certificate is issued at once.
    settings.ACM_VALIDATION_WAIT = -1
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    for name, answer in {
        "create_change_set": _change_set_of,
        "execute_change_set": _executed,
        "list_stack_resources": _listed,
        "update_termination_protection": _protected,
    }.items():
        setattr(responses.CloudFormationResponse, name, _shown(answer))
    BaseResponse.call_action = _recorded
    RDSResponse.modify_db_cluster = _shown(_unprotected("DBCluster", DBClusterNotFoundError))
    RDSResponse.modify_db_instance = _shown(_unprotected("DBInstance", DBInstanceNotFoundError))
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # By this name moto finds the bucket in the path of a URL.
    return f"http://localhost:{server.server_port}"
