"""Prints a template as CloudFormation sees it, as JSON: infra/translate.py <template>

SAM's own translator does it. Comments would be lost on the way, so the reasons for which checkov skips a check
(`# checkov:skip=<id>: <reason>` inside a resource) become the metadata in which checkov looks for them too.
"""

import json
import os
import re
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def skips(text: str) -> dict[str, list[dict[str, str]]]:
    """The checks that each resource skips, by its id."""
    found: dict[str, list[dict[str, str]]] = {}
    resource = ""
    for line in text.splitlines():
        if top := re.match(r"  (\w+):$", line):
            resource = top[1]
        elif skip := re.match(r"\s+# checkov:skip=(\w+): (.+)", line):
            found.setdefault(resource, []).append({"id": skip[1], "comment": skip[2]})
    return found


def uploaded(template: dict) -> None:
    """Has code lie in S3, as `sam deploy` does."""
    for resource in template["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in resource.get("Properties", {}):
                resource["Properties"][place] = "s3://bucket/code"


def translated(text: str) -> dict:
    template = yaml_parse(text)
    if "Transform" in template:
        uploaded(template)
        session = boto3.session.Session(region_name="eu-west-1")
        # No role of ours names a managed policy of AWS.
        template = Translator({}, Parser(), None, session).translate(template, {})
    reasons = skips(text)
    for name, made in template["Resources"].items():
        # What SAM makes of a resource is named after it.
        own = max((resource for resource in reasons if name.startswith(resource)), key=len, default=None)
        if own:
            made.setdefault("Metadata", {})["checkov"] = {"skip": reasons[own]}
    return template


with open(sys.argv[1]) as file:
    json.dump(translated(file.read()), sys.stdout, indent=1)
