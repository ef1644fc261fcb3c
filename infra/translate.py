"""Prints a template as CloudFormation gets it, as JSON: infra/translate.py <template>

Uses SAM's own translator, which drops comments. So the comments by which checkov skips a check
(`# checkov:skip=<id>: <reason>` inside a resource) become metadata, which checkov reads too.
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
    """Returns the skipped checks of each resource, by its id."""
    found: dict[str, list[dict[str, str]]] = {}
    resource = ""
    for line in text.splitlines():
        if top := re.match(r"  (\w+):$", line):
            resource = top[1]
        elif skip := re.match(r"\s+# checkov:skip=(\w+): (.+)", line):
            found.setdefault(resource, []).append({"id": skip[1], "comment": skip[2]})
    return found


def uploaded(template: dict) -> None:
    """Replaces code paths by S3 URLs, as `sam deploy` does."""
    for resource in template["Resources"].values():
        for place in ("CodeUri", "ContentUri"):
            if place in resource.get("Properties", {}):
                resource["Properties"][place] = "s3://bucket/code"


def translated(text: str) -> dict:
    template = yaml_parse(text)
    if "Transform" in template:
        uploaded(template)
        session = boto3.session.Session(region_name="eu-west-1")
        # The second {} is a map of AWS's managed policies; no role uses one.
        template = Translator({}, Parser(), None, session).translate(template, {})
    reasons = skips(text)
    for name, made in template["Resources"].items():
        # The names of resources that SAM generates begin with the name of their source.
        own = max((resource for resource in reasons if name.startswith(resource)), key=len, default=None)
        if own:
            made.setdefault("Metadata", {})["checkov"] = {"skip": reasons[own]}
    return template


with open(sys.argv[1]) as file:
    json.dump(translated(file.read()), sys.stdout, indent=1)
