"""Deploys the stacks to a CloudFormation on this machine, by the commands of docs/deploy.md, with the real `sam deploy`.

infra/trial/run.py [<environment>…] [--second-region <region>]

Checks that every stack is created, that a second deployment changes nothing, that an update of one parameter changes one resource, and that
what is left after the deletion is what docs/deploy.md names. What it cannot show: docs/testing.md, "A deployment is tried".
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import boto3

import rights
import server
import stacks

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
REGION = "eu-west-1"
STACKS = ("network", "data", "observability", "app", "edge")
SECOND_REGION = ROOT / "docs/operations/second-region.md"
# Of the stack `data`: the outputs of the stack `replica`.
COPIES = ("ReplicaRegion", "ReplicaBackupBucket", "ReplicaErasureBucket", "ReplicaKey", "ReplicaMacKey")
# What stays after the deletion of an environment, in the words of docs/deploy.md, by type.
STAYS = {
    "AWS::RDS::DBCluster": "a snapshot of the database",
    "AWS::S3::Bucket": "the buckets",
    "AWS::KMS::Key": "the KMS keys",
    "AWS::KMS::ReplicaKey": "the KMS keys",
    "AWS::Logs::LogGroup": "the log groups",
}


class Failed(Exception):
    pass


class Trial:
    """A copy of the deployed files, with an AWS account on this machine."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.page = (ROOT / "docs/deploy.md").read_text()
        shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("samconfig.toml", "template.yaml"):
            shutil.copy(ROOT / name, folder / name)
        tools = pathlib.Path(sys.executable).parent
        self._program("aws", f'exec "{sys.executable}" "{HERE}/aws.py" "$@"')
        # No function runs here, so nothing is built, and /ready is not reached. GitHub is not asked either.
        self._program("cargo", "")
        self._program("sam", f'[ "$1" = build ] || exec "{tools}/sam" "$@"')
        self._program("curl", f"""echo "$*" >> "{folder}/requests"\necho '{{"owner": {{"id": 1}}, "id": 2}}'""")
        _place_a_build(folder)
        self.environment = {
            "PATH": f"{folder}/bin:{tools}:/usr/bin:/bin",
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": server.start(),
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_MAX_ATTEMPTS": "1",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.1",
            "NO_PROXY": "*",
        }
        self.in_region(REGION)

    def _program(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def in_region(self, region: str) -> None:
        self.region = region
        self.environment |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}

    def client(self, service: str):
        url = self.environment["AWS_ENDPOINT_URL"]
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, endpoint_url=url, region_name=self.region, **keys)

    def commands(self, containing: str) -> str:
        return commands_of(self.page, containing).replace("<owner>/<repository>", "example/arches")

    def parameters(self, environment: str, stack: str) -> str:
        return (self.folder / f"infra/environments/{environment}/{stack}.yaml").read_text()

    def run(self, script: str) -> str:
        """Runs commands. Returns their output, errors included."""
        done = subprocess.run(
            ["sh", "-euc", script], cwd=self.folder, env=self.environment, text=True, timeout=600,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failed(f"{script.strip()}\n\n{done.stdout}\n{self.reasons()}")
        return done.stdout

    def reasons(self) -> str:
        """Returns why resources failed."""
        found = []
        for stack in self.client("cloudformation").describe_stacks()["Stacks"]:
            for event in self.client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]:
                if event["ResourceStatus"].endswith("_FAILED"):
                    found.append(f"{stack['StackName']}: {event['ResourceStatusReason']}")
        return "\n".join(found)

    def stack(self, name: str) -> dict:
        return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def commands_of(page: str, containing: str) -> str:
    """Returns the block of commands of a document with this text."""
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if containing in block]
    if len(blocks) != 1:
        raise Failed(f"{len(blocks)} blocks of commands have {containing!r}; one is expected")
    return blocks[0]


def _place_a_build(folder: pathlib.Path) -> None:
    """Writes what `sam build` and `cargo xtask console` would, with a placeholder for each program and file."""
    build = folder / ".aws-sam/build"
    template = (folder / "template.yaml").read_text()
    for number, path in enumerate(sorted(set(re.findall(r"(?:CodeUri|ContentUri): (\S+)", template)))):
        (build / str(number)).mkdir(parents=True)
        (build / str(number) / "bootstrap").write_text(path)
        template = re.sub(rf"(CodeUri|ContentUri): {re.escape(path)}$", rf"\1: '{number}'", template, flags=re.MULTILINE)
    (build / "template.yaml").write_text(template)
    for name in ("index.html", "favicon.svg", "static/index-a1b2c3d4.js"):
        path = folder / "web/platform/dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def _step(text: str, begin: float) -> None:
    print(f"  ✓ {text} ({time.monotonic() - begin:.1f} s)", flush=True)


def create(trial: Trial, environment: str) -> None:
    begin = time.monotonic()
    _request_certificates(trial, environment)
    trial.run(trial.commands("infra/deploy.sh $env network").replace("env=staging", f"env={environment}"))
    for name in STACKS:
        stack = trial.stack(f"arches-{environment}-{name}")
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise Failed(f"{stack['StackName']} is {stack['StackStatus']}")
        tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
        if tags != {"project": "arches", "environment": environment}:
            raise Failed(f"{stack['StackName']} has the tags {tags}: sam did not read samconfig.toml")
    if "/ready" not in (trial.folder / "requests").read_text():
        raise Failed("the deployment did not end with a request to /ready")
    _require_console(trial, environment)
    _step(f"{environment}: five stacks are created, and the console is uploaded", begin)


def _require_console(trial: Trial, environment: str) -> None:
    """The console is there if the environment serves files, and says where the API is."""
    outputs = {
        one["OutputKey"]: one["OutputValue"]
        for stack in ("app", "edge")
        for one in trial.stack(f"arches-{environment}-{stack}").get("Outputs", [])
    }
    if "SiteBucket" not in outputs:
        if 'ServeSite: "false"' not in trial.parameters(environment, "edge"):
            raise Failed(f"{environment} has no bucket of the console")
        return
    client, files = trial.client("s3"), {}
    for one in client.list_objects_v2(Bucket=outputs["SiteBucket"])["Contents"]:
        file = client.get_object(Bucket=outputs["SiteBucket"], Key=one["Key"])
        files[one["Key"]] = (file["CacheControl"], file["Body"].read().decode())
    expected = {
        "config.json": ("no-cache", f'{{"apiUrl": "{outputs["ApiUrl"]}"}}\n'),
        "favicon.svg": ("no-cache", "favicon.svg"),
        "index.html": ("no-cache", "index.html"),
        "static/index-a1b2c3d4.js": ("public, max-age=31536000, immutable", "static/index-a1b2c3d4.js"),
    }
    if files != expected:
        raise Failed(f"the console in {environment} has {files}; expected {expected}")


def _request_certificates(trial: Trial, environment: str) -> None:
    page = (ROOT / "infra/edge/README.md").read_text()
    for parameter, name in (("certificate", "DomainName"), ("site-certificate", "SiteDomainName")):
        if domain := re.search(rf"^{name}: ([\w.-]+)$", trial.parameters(environment, "edge"), re.MULTILINE):
            commands = commands_of(page, "aws acm request-certificate")
            commands = re.sub("^env=.*", f"env={environment} name={domain[1]} parameter={parameter}", commands)
            # CloudFront takes certificates from there.
            trial.run(commands.replace("aws acm", "aws --region us-east-1 acm") if name == "SiteDomainName" else commands)


def create_again(trial: Trial, environment: str) -> None:
    begin = time.monotonic()
    for command in re.findall(r"^infra/deploy\.sh .*$", trial.commands("infra/deploy.sh $env network"), re.MULTILINE):
        output = trial.run(f"env={environment}\n{command}")
        if "No changes to deploy" not in output:
            raise Failed(f"{command} changes something the second time:\n{output}")
    _step(f"{environment}: a second deployment changes nothing", begin)


def change(trial: Trial, environment: str) -> None:
    begin = time.monotonic()
    _set(trial, environment, "network", "LogRetentionDays", "60")
    server.CALLED.clear()
    trial.run(f"infra/deploy.sh {environment} network && infra/prune.sh {environment}")
    _require_rights("Deploying")
    changes = stacks.EXECUTED[f"arches-{environment}-network"][-1]
    if [one[:1] + one[2:] for one in changes] != [("Modify", "AWS::Logs::LogGroup", "False")]:
        raise Failed(f"the retention of logs changes {changes}")
    shown = trial.run(f"infra/deploy.sh {environment} app v0.1.1 --no-execute-changeset")
    _require_rights("ShowingChanges")
    if "* Modify" not in shown or len(stacks.EXECUTED[f"arches-{environment}-app"]) != 1:
        raise Failed(f"--no-execute-changeset does not show the changes, or executes them:\n{shown}")
    _step(f"{environment}: one parameter changes one resource, and changes are shown before they are made", begin)


def _require_rights(policy: str) -> None:
    """The workflow's role may make all calls since the last look."""
    # Everyone may ask for their own identity.
    calls = server.CALLED - {"sts:GetCallerIdentity"}
    server.CALLED.clear()
    if missing := rights.not_granted(calls, policy):
        raise Failed(f"{policy} in infra/account does not grant {', '.join(missing)}")


def _set(trial: Trial, environment: str, stack: str, parameter: str, value: str) -> None:
    text = re.sub(rf"^{parameter}:.*\n", "", trial.parameters(environment, stack), flags=re.MULTILINE)
    (trial.folder / f"infra/environments/{environment}/{stack}.yaml").write_text(f"{text}{parameter}: {value}\n")


def remove(trial: Trial, environment: str) -> None:
    begin = time.monotonic()
    stacks.RETAINED.clear()
    kind = "cluster" if "DatabaseEngine: aurora" in trial.parameters(environment, "data") else "instance"
    command = trial.commands("infra/ops down").replace("env=dev", f"env={environment}")
    said = trial.run(f"{command.rstrip()} --yes {environment}")
    left = [stack["StackName"] for stack in trial.client("cloudformation").describe_stacks()["Stacks"]]
    # The copies for the case that the other region is lost are deleted on their own.
    if undeleted := [name for name in left if f"-{environment}-" in name and not name.endswith("-replica")]:
        raise Failed(f"not deleted: {undeleted}")
    # Without the places where lines are broken.
    section = " ".join(trial.page.split("## Remove an environment")[1].split("\n## ")[0].split())
    kinds = {one.replace("DBInstance", "DBCluster") for _, one, _ in stacks.RETAINED}
    # Only with copies in a second region.
    if kinds | {"AWS::KMS::ReplicaKey"} != STAYS.keys():
        raise Failed(f"after the deletion these types stay, but docs/deploy.md names others: {sorted(kinds)}")
    for words in STAYS.values():
        if words not in section:
            raise Failed(f"docs/deploy.md does not say that these stay after the deletion: {words}")
    # A name that is generated, or has the id of the stack, does not come back.
    other = ("/aws/rds/instance",) if kind == "cluster" else ("/aws/rds/cluster", "/aws/rds/proxy")
    named = [name for name in re.findall(r"`(/aws/[^`]+)`", section) if not name.startswith(other)]
    prevents = {name.replace("<env>", environment) for name in named}
    # Not those of copies, which belong to a stack of another region.
    here = {one for one, owner in stacks.TAKEN.items() if one[1] == trial.region and f":{trial.region}:" in owner}
    taken = {one[2] for one in here if environment in one[2]}
    taken = {name for name in taken if not re.search(r"-[0-9a-f]{12}$", name)}
    if prevents != taken:
        raise Failed(f"names that prevent a new stack: {sorted(taken)}; docs/deploy.md names {sorted(prevents)}")
    unnamed = {name for _, one, name in stacks.RETAINED if one not in ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance") and name not in said}
    if unnamed:
        raise Failed(f"infra/ops down does not name what stays: {sorted(unnamed)}; it says\n{said}")
    _step(f"{environment}: what stays after the deletion is what docs/deploy.md names", begin)


def try_all(trial: Trial, environments: list[str], second_region: str | None) -> None:
    begin = time.monotonic()
    account = trial.commands("--stack-name arches-account")
    trial.run(account)
    _step("the stacks of the account are created", begin)
    for environment in environments:
        create(trial, environment)
        create_again(trial, environment)
        change(trial, environment)
        remove(trial, environment)
    if second_region:
        try_two_regions(trial, account, second_region)


def replicate(trial: Trial, environment: str, second: str) -> None:
    """Turns on the copies in a second region, as docs/operations/second-region.md says."""
    begin = time.monotonic()
    trial.in_region(REGION)
    commands = commands_of(SECOND_REGION.read_text(), "infra/deploy.sh $env replica")
    names = f"env={environment} first={REGION} second={second}"
    printed = trial.run(re.sub("^env=.*", names, commands, flags=re.MULTILINE))
    # Names and values in turn, at the end.
    words = printed.split()[-2 * len(COPIES) :]
    outputs = dict(zip(words[::2], words[1::2], strict=True))
    if outputs.keys() != set(COPIES):
        raise Failed(f"the stack replica has the outputs {outputs}; the parameters are {COPIES}")
    for name, value in outputs.items():
        _set(trial, environment, "data", name, value)
    for name in ("ReplicaBackupBucket", "ReplicaErasureBucket"):
        _set(trial, environment, "observability", name, outputs[name])
    trial.run(f"{names}\n{commands_of(SECOND_REGION.read_text(), 'infra/deploy.sh $env data && infra')}")
    for name in ("data", "observability"):
        changes = stacks.EXECUTED[f"arches-{environment}-{name}"][-1]
        if not changes or any(replacement == "True" for *_, replacement in changes):
            raise Failed(f"the copies change nothing in {name}, or replace something: {changes}")
    _step(f"{environment}: backups and secrets are copied to {second}, and nothing is replaced", begin)


def try_two_regions(trial: Trial, account: str, second: str) -> None:
    """Creates an environment in two regions at once, as docs/deploy.md says."""
    # What outlived the environment is deleted by hand.
    for name in [name for name, owner in stacks.TAKEN.items() if "/arches-staging-" in owner]:
        del stacks.TAKEN[name]
    certificates = [f"/arches/staging/edge/{name}" for name in ("certificate", "site-certificate")]
    trial.client("ssm").delete_parameters(Names=certificates)
    create(trial, "staging")
    begin = time.monotonic()
    trial.run(account.replace("Regions=$AWS_REGION", f"Regions={REGION},{second}"))
    trial.in_region(second)
    of_region = re.findall(r"^aws cloudformation deploy --stack-name arches-region .*$", account, re.MULTILINE)
    trial.run("\n".join(of_region))
    _step(f"{second} is added to the account", begin)
    replicate(trial, "staging", second)
    trial.in_region(second)
    # As in docs/operations/second-region.md: the names of the copied secrets are taken here.
    for name in COPIES:
        _set(trial, "staging", "data", name, '""')
    lost = commands_of(SECOND_REGION.read_text(), "infra/deploy.sh $env data --disable-rollback")
    lost = lost.replace("env=production", "env=staging").replace("eu-central-1", second)
    try:
        trial.run(lost)
    except Failed as error:
        if "arches/staging/" not in str(error) or "already exists" not in str(error):
            raise
    else:
        raise Failed("the name of a copied secret can be used again")
    trial.client("cloudformation").delete_stack(StackName="arches-staging-data")
    _set(trial, "staging", "data", "SecretsFolder", "recovered/")
    trial.run(lost)
    _step("the stacks below the app come up beside the copies", begin)
    for stack, name, domain in (
        ("app", "DomainName", "api.second.archesai.com"),
        ("edge", "DomainName", "api.second.archesai.com"),
        ("edge", "SiteDomainName", "app.second.archesai.com"),
    ):
        _set(trial, "staging", stack, name, domain)
    create(trial, "staging")
    remove(trial, "staging")
    trial.in_region(REGION)
    remove(trial, "staging")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("environments", nargs="*")
    arguments.add_argument("--second-region")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            try_all(Trial(pathlib.Path(folder)), given.environments, given.second_region)
        except Failed as error:
            sys.exit(f"\n✗ {error}")


main()
