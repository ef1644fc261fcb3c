"""Shows that the CloudFormation of the trial refuses what AWS refuses. Prints what it does not notice, and fails if there is anything."""

import logging
import sys

logging.disable(logging.WARNING)

import yaml

from stacks import EMPTY, TAKEN, ChangeSet, InsufficientCapabilities, Stack

CAPABILITIES = ["CAPABILITY_IAM"]
TRUST = {"Version": "2012-10-17", "Statement": []}
LOGS = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/arches/a", "RetentionInDays": 30}}


def change_set(stack: Stack, resources: dict, **sections: dict) -> ChangeSet:
    kind = "CREATE" if stack.status == "REVIEW_IN_PROGRESS" else "UPDATE"
    asked = {"Description": "", "RoleARN": None, "Capabilities": CAPABILITIES}
    template = yaml.safe_dump({"Resources": resources, **sections})
    return ChangeSet(stack, kind, "change", template, {}, {}, asked)


def new_stack(name: str = "arches-trial") -> Stack:
    return Stack(name, "eu-west-1", "123456789012")


def refusal(resources: dict, **sections: dict) -> str:
    """Returns why a new stack is refused, or nothing."""
    TAKEN.clear()
    stack = new_stack()
    try:
        made = change_set(stack, resources, **sections)
    except InsufficientCapabilities as error:
        return str(error)
    if made.status == "FAILED":
        return made.status_reason
    made.execute()
    return "" if stack.status == "CREATE_COMPLETE" else str(stack.events[-1].resource_status_reason)


def logs(**properties: object) -> dict:
    return {"Logs": {"Type": LOGS["Type"], "Properties": {**LOGS["Properties"], **properties}}}


REFUSED = {
    "a property that the type does not have": (logs(Retention=30), {}, "Retention"),
    "a required property that is missing": ({"Role": {"Type": "AWS::IAM::Role", "Properties": {}}}, {}, "required"),
    "a value that is not allowed": (logs(RetentionInDays=31), {}, "31"),
    "a name that is too long": (logs(LogGroupName="a" * 513), {}, "too long"),
    "a reference to nothing": (logs(LogGroupName={"Ref": "Name"}), {}, "Unresolved"),
    "a reference in a text to nothing": (logs(LogGroupName={"Fn::Sub": "/${Name}"}), {}, "Unresolved"),
    "an attribute that the type does not have": (
        {**logs(), "Other": {"Type": LOGS["Type"], "Properties": {"LogGroupName": {"Fn::GetAtt": ["Logs", "Name"]}}}},
        {},
        "no attribute",
    ),
    "two resources that need each other": (
        {"One": {**LOGS, "DependsOn": "Two"}, "Two": {"Type": LOGS["Type"], "DependsOn": "One"}},
        {},
        "Circular",
    ),
    "two resources with one name": ({**logs(), "Again": LOGS}, {}, "already exists"),
    "a parameter of SSM that does not exist": (
        logs(),
        {"Parameters": {"Subnets": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/arches/none"}}},
        "Unable to fetch",
    ),
    "a parameter without a value": (logs(), {"Parameters": {"Name": {"Type": "String"}}}, "must have values"),
    "a parameter that is out of range": (
        logs(),
        {"Parameters": {"Days": {"Type": "Number", "Default": 0, "MinValue": 1}}},
        "out of range",
    ),
    "a condition that does not exist": ({"Logs": {**LOGS, "Condition": "IsOn"}}, {}, "IsOn"),
    "a named role without the capability for it": (
        {"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "a", "AssumeRolePolicyDocument": TRUST}}},
        {},
        "CAPABILITY_NAMED_IAM",
    ),
}


def updates() -> list[str]:
    """Returns what is wrong with updates of a stack."""
    TAKEN.clear()
    stack, problems = new_stack(), []
    change_set(stack, logs()).execute()
    if change_set(stack, logs()).status_reason != EMPTY:
        problems.append("an update without changes is not noticed")
    for properties, replacement in (({"RetentionInDays": 60}, "False"), ({"LogGroupName": "/arches/b"}, "True")):
        changes = [(one.action, one.replacement) for one in change_set(stack, logs(**properties)).changes]
        if changes != [("Modify", replacement)]:
            problems.append(f"a change of {properties} is {changes}")
    other = new_stack("arches-other")
    change_set(other, logs()).execute()
    if other.status != "ROLLBACK_COMPLETE":
        problems.append("the name of another stack's resource is not noticed")
    return problems


def main() -> None:
    problems = updates()
    if reason := refusal(logs()):
        problems.append(f"a good stack is refused: {reason}")
    for what, (resources, sections, about) in REFUSED.items():
        reason = refusal(resources, **sections)
        if about not in reason:
            problems.append(f"{what}: {reason or 'not noticed'}")
    print("\n".join(problems))
    sys.exit(bool(problems))


main()
