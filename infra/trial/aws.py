"""The commands of the AWS CLI that docs/deploy.md and the scripts in infra use, on boto3: the CLI itself is not on PyPI in a version that SAM allows.

Prints what `--query` selects, as text or JSON.
"""

import argparse
import fnmatch
import json
import mimetypes
import os
import pathlib
import sys
import time
from typing import Any

import boto3
import botocore.exceptions
import jmespath
from botocore import xform_name
from botocore.validate import ParamValidator


def options(words: list[str]) -> dict[str, Any]:
    """Returns `--name value…` as lists of values, by name."""
    found: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            values = found.setdefault(word.removeprefix("--"), [])
        else:
            values.append(word)
    return found


def typed(shape: Any, values: list[str]) -> Any:
    """Returns the values of an option in the form that the operation takes; structures as `Name=value,Name=value`."""
    match shape.type_name:
        case "structure":
            pairs = [pair.split("=", 1) for pair in values[0].split(",")]
            return {name: typed(shape.members[name], [value]) for name, value in pairs}
        case "list":
            return [typed(shape.member, [value]) for value in values]
        case "boolean":
            return not values or values[0].lower() == "true"
        case "integer":
            return int(values[0])
    return values[0]


def call(service: str, operation: str, given: dict[str, list[str]]) -> Any:
    client = boto3.client(service, region_name=given.pop("region", [os.environ["AWS_DEFAULT_REGION"]])[0])
    if operation == "wait":
        (waiter,) = (one for one in client.waiter_names if f"wait-{one.replace('_', '-')}" in given)
        waiting = client.get_waiter(waiter)
        operation = xform_name(waiting.config.operation, "-")
        given = {option: values for option, values in given.items() if not option.startswith("wait-")}
    else:
        waiting = None
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    shape = client.meta.service_model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-"): (name, member) for name, member in (shape.members if shape else {}).items()}
    arguments = {}
    for option, values in given.items():
        no = option.startswith("no-") and option not in members
        name, member = members[option.removeprefix("no-") if no else option]
        arguments[name] = False if no else typed(member, values)
    if service == "s3control":
        # The account would be part of the name of the host, which is an address here. So the arguments are only checked.
        report = ParamValidator().validate(arguments, shape)
        if report.has_errors():
            sys.exit(report.generate_report())
        return None
    if waiting:
        return waiting.wait(**arguments, WaiterConfig={"Delay": 1})
    answer = getattr(client, xform_name(names[operation]))(**arguments)
    answer.pop("ResponseMetadata", None)
    return answer


def from_file(service: str, operation: str, url: str, given: dict[str, list[str]]) -> Any:
    """Makes a call with the arguments of a file, in all pages, as the CLI does."""
    name = {"s3api": "s3"}.get(service, service)
    client = boto3.client(name, region_name=given.get("region", [os.environ["AWS_DEFAULT_REGION"]])[0])
    method, arguments = operation.replace("-", "_"), json.loads(pathlib.Path(url.removeprefix("file://")).read_text())
    if client.can_paginate(method):
        return client.get_paginator(method).paginate(**arguments).build_full_result()
    answer = getattr(client, method)(**arguments)
    answer.pop("ResponseMetadata", None)
    return answer


def deploy(given: dict[str, list[str]]) -> None:
    """`aws cloudformation deploy`: creates a change set, executes it and waits."""
    client, name = boto3.client("cloudformation"), given["stack-name"][0]
    kind = "UPDATE"
    try:
        client.describe_stacks(StackName=name)
    except botocore.exceptions.ClientError:
        kind = "CREATE"
    with open(given["template-file"][0]) as file:
        template = file.read()
    if len(template) > 51200:
        sys.exit("Templates with a size greater than 51,200 bytes must be deployed via an S3 Bucket.")
    created = client.create_change_set(
        StackName=name,
        ChangeSetName=f"awscli-cloudformation-package-deploy-{time.time_ns()}",
        ChangeSetType=kind,
        TemplateBody=template,
        Capabilities=given.get("capabilities", []),
        Parameters=[
            dict(zip(("ParameterKey", "ParameterValue"), pair.split("=", 1), strict=True))
            for pair in given.get("parameter-overrides", [])
        ],
        Tags=[dict(zip(("Key", "Value"), pair.split("=", 1), strict=True)) for pair in given.get("tags", [])],
    )
    change_set = client.describe_change_set(ChangeSetName=created["Id"])
    if "didn't contain changes" in change_set.get("StatusReason", ""):
        print(f"No changes to deploy. Stack {name} is up to date")
        return
    if change_set["Status"] == "FAILED":
        sys.exit(f"Failed to create the changeset: {change_set['StatusReason']}")
    client.execute_change_set(ChangeSetName=created["Id"])
    status = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if "ROLLBACK" in status or "FAILED" in status:
        sys.exit(f"Failed to create/update the stack {name}: {status}")


def copy(words: list[str]) -> None:
    """`aws s3 cp`: uploads a file, standard input or a folder."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("source")
    arguments.add_argument("target")
    arguments.add_argument("--exclude", action="append", default=[])
    arguments.add_argument("--cache-control")
    arguments.add_argument("--content-type")
    for flag in ("--recursive", "--only-show-errors"):
        arguments.add_argument(flag, action="store_true")
    given = arguments.parse_args(words)
    bucket, _, key = given.target.removeprefix("s3://").partition("/")
    client, source = boto3.client("s3"), pathlib.Path(given.source)
    files = {key: source}
    if given.recursive:
        names = [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]
        names = [name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in given.exclude)]
        files = {f"{key}/{name}".removeprefix("/"): source / name for name in names}
    for key, path in files.items():
        content = sys.stdin.buffer.read() if given.source == "-" else path.read_bytes()
        kind = given.content_type or mimetypes.guess_type(path)[0] or "binary/octet-stream"
        client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=kind, CacheControl=given.cache_control)


def text(value: Any) -> str:
    if isinstance(value, list):
        return "\t".join(text(one) for one in value)
    return "None" if value is None else str(value)


def main() -> None:
    words = sys.argv[1:]
    # The CLI accepts an option before the service, too.
    first = words.pop(0) if words[0].startswith("--") else None
    words += [first, words.pop(0)] if first else []
    service, operation, *words = words
    if (service, operation) == ("configure", "get"):
        print(os.environ["AWS_DEFAULT_REGION"])
        return
    if (service, operation) == ("cloudformation", "deploy"):
        deploy(options(words))
        return
    if (service, operation) == ("s3", "cp"):
        copy(words)
        return
    if operation == "wait":
        words[0] = f"--wait-{words[0]}"
    given = options(words)
    # infra/ops gives all arguments in a file.
    if file := given.pop("cli-input-json", None):
        print(json.dumps(from_file(service, operation, file[0], given), default=str))
        return
    query, output = given.pop("query", None), given.pop("output", ["json"])[0]
    answer = call(service, operation, given)
    selected = jmespath.search(query[0], answer) if query else answer
    if selected not in (None, {}, "") or output == "text":
        print(text(selected) if output == "text" else json.dumps(selected, indent=4, default=str))


try:
    main()
except botocore.exceptions.ClientError as error:
    sys.exit(f"\n{error}")
