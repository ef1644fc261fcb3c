"""An AWS account for a test: moto behind a stand-in for the AWS CLI, with handlers for what moto does not have.

The stand-in `aws` sends its words and the file that they name to the test, which makes the call with boto3. So the names and types of all
arguments are those of AWS's own models, and the answers have the form of the CLI.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import pathlib
import socketserver
import subprocess
import sys
import tempfile
import threading
from typing import Any, Callable, NamedTuple

import boto3
import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.core.utils import utcnow

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
NUMBER = "123456789012"  # moto's account
# What the CLI calls a service, if it is not what boto3 calls it.
SERVICES = {"deploy": "codedeploy", "s3api": "s3"}
STAND_IN = f"""#!{sys.executable} -IS
import json, os, socket, sys
words = sys.argv[1:]
paths = [word.split("://", 1)[1] for word in words if word.startswith(("file://", "fileb://"))]
for path in paths:
    if os.stat(os.path.dirname(path)).st_mode & 0o077:
        sys.exit("another user can read " + path)
given = open(paths[0]).read() if paths else ""
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "server"))
    server.sendall(json.dumps([words, given, os.environ.get("AWS_MAX_ATTEMPTS")]).encode() + b"\\n")
    answer = json.loads(server.makefile("rb").readline())
if answer["file"] is not None:
    with open(next(word for word in words if word.startswith("/")), "w") as file:
        file.write(answer["file"])
sys.stdout.write(answer["out"])
sys.stderr.write(answer["err"])
sys.exit(answer["code"])
"""


# boto3 creates one client at a time.
CREATING = threading.Lock()


class Call(NamedTuple):
    service: str
    operation: str
    arguments: dict
    words: list[str]
    attempts: str | None


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Missing(Exception):
    """moto does not have the operation, and the test has no handler."""


@functools.lru_cache(maxsize=None)
def model_of(service: str) -> Any:
    """Returns AWS's model of a service. Some take a second to read."""
    return botocore.session.Session().get_service_model(SERVICES.get(service, service))


@functools.lru_cache(maxsize=None)
def operations_of(service: str) -> dict[str, str]:
    """update-alias → UpdateAlias"""
    return {xform_name(name, "-"): name for name in model_of(service).operation_names}


@functools.lru_cache(maxsize=None)
def client_of(service: str, region: str) -> Any:
    """Returns a client, which all accounts of the process use one after the other."""
    with CREATING:
        return boto3.client(service, region_name=region)


def error(code: str, message: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Account:
    """`with Account() as account:` Calls are in `account.calls`; `account.run("status", "--environment", "staging")` runs the tool."""

    def __init__(self, environment: str = "staging") -> None:
        self.environment = environment
        self.calls: list[Call] = []
        self.handlers: dict[tuple[str, str], Callable[[dict], Any]] = {}
        # By stack: its description, and its resources as (logical id, type, physical id, status).
        self.stacks: dict[str, dict] = {}
        self.resources: dict[str, list[tuple[str, str, str, str]]] = {}
        self.on("cloudformation", "describe-stacks", self._describe_stacks)
        self.on("cloudformation", "list-stack-resources", self._list_resources)
        self._lock = threading.Lock()

    # -- the state of the account

    def on(self, service: str, operation: str, handler: Callable[[dict], Any]) -> None:
        """Answers an operation with `handler(arguments)`. It may raise `error(…)`, or return what `account.moto(…)` does."""
        self.handlers[service, operation] = handler

    def fail(self, service: str, operation: str, code: str, message: str = "no reason", when: Callable[[dict], bool] = lambda _: True) -> None:
        """Refuses an operation, if `when(arguments)`."""
        before = self.handlers.get((service, operation))

        def handler(arguments: dict) -> Any:
            if when(arguments):
                raise error(code, message)
            return before(arguments) if before else self.moto(service, operation, arguments)

        self.on(service, operation, handler)

    def client(self, service: str, region: str = REGION) -> Any:
        return client_of(service, region)

    def add_stack(self, name: str, status: str = "CREATE_COMPLETE", outputs: dict | None = None, parameters: dict | None = None) -> None:
        """Adds the stack `arches-<environment>-<name>`, or a stack with another full name."""
        full = name if name.startswith("arches-") else f"arches-{self.environment}-{name}"
        self.stacks[full] = {
            "StackName": full,
            "StackId": f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/{full}/0f1e2d3c",
            "StackStatus": status,
            "CreationTime": utcnow(),
            "EnableTerminationProtection": True,
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()],
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
        }
        self.resources.setdefault(full, [])

    def add_resource(self, stack: str, logical: str, kind: str, physical: str, status: str = "CREATE_COMPLETE") -> None:
        self.resources[f"arches-{self.environment}-{stack}"].append((logical, kind, physical, status))

    def _find(self, name: str) -> dict:
        for full, stack in self.stacks.items():
            # By its name only while it exists, by its id also later.
            if name == stack["StackId"] or (name == full and stack["StackStatus"] != "DELETE_COMPLETE"):
                return stack
        raise error("ValidationError", f"Stack with id {name} does not exist", "DescribeStacks")

    def _describe_stacks(self, given: dict) -> dict:
        return {"Stacks": [self._find(given["StackName"])]}

    def _list_resources(self, given: dict) -> dict:
        names = ("LogicalResourceId", "ResourceType", "PhysicalResourceId", "ResourceStatus")
        found = self.resources[self._find(given["StackName"])["StackName"]]
        return {"StackResourceSummaries": [dict(zip(names, one)) for one in found]}

    # -- calls

    def moto(self, service: str, operation: str, arguments: dict, region: str = REGION) -> Any:
        """Makes the call with boto3, in all pages, as the CLI does."""
        client = self.client(SERVICES.get(service, service), region)
        method = operation.replace("-", "_")
        if client.can_paginate(method):
            return client.get_paginator(method).paginate(**arguments).build_full_result()
        return getattr(client, method)(**arguments)

    def _validate(self, service: str, name: str, arguments: dict) -> None:
        shape = model_of(service).operation_model(name).input_shape
        report = ParamValidator().validate(arguments, shape) if shape else None
        if report and report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        unknown = set(arguments) - set(shape.members if shape else {})
        if unknown:
            raise ParamValidationError(report=f"Unknown parameter: {', '.join(unknown)}")

    def _answer(self, words: list[str], given: str, attempts: str | None) -> dict:
        service, operation = words[:2]
        if service == "configure":
            return {"code": 0, "out": f"{REGION}\n", "err": "", "file": None}
        arguments = json.loads(given)
        if (service, operation) == ("lambda", "invoke"):
            arguments = {"FunctionName": words[words.index("--function-name") + 1], "Payload": given}
        region = words[words.index("--region") + 1] if "--region" in words else REGION
        with self._lock:
            self.calls.append(Call(service, operation, arguments, words, attempts))
        file, name = None, operations_of(service)[operation]
        try:
            self._validate(service, name, arguments)
            handler = self.handlers.get((service, operation))
            found = handler(arguments) if handler else self.moto(service, operation, arguments, region)
        except ClientError as failure:
            named = failure.response["Error"]
            text = f"\nAn error occurred ({named['Code']}) when calling the {name} operation: {named['Message']}\n"
            return {"code": 254, "out": "", "err": text, "file": None}
        except ParamValidationError as failure:
            return {"code": 252, "out": "", "err": f"\n{failure}\n", "file": None}
        except (Exception, SystemExit) as failure:  # the test sees what its handler did
            return {"code": 1, "out": "", "err": f"\nthe stand-in failed: {failure!r}\n", "file": None}
        found = {member: value for member, value in (found or {}).items() if member != "ResponseMetadata"}
        if (service, operation) == ("lambda", "invoke"):
            payload = found.pop("Payload", "")
            file = payload if isinstance(payload, str) else payload.read().decode()
        out = json.dumps(found, indent=4, default=lambda value: value.isoformat()) if found else ""
        return {"code": 0, "out": out, "err": "", "file": file}

    # -- the tool

    def __enter__(self) -> Account:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(mock_aws())
        self.folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        account = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline()
                if not line:  # the tool was interrupted
                    return
                words, given, attempts = json.loads(line)
                answer = account._answer(words, given, attempts)
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(json.dumps(answer).encode() + b"\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        server = self._stack.enter_context(Server(str(self.folder / "server"), Handler))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._stack.callback(server.shutdown)
        script = self.folder / "aws"
        script.write_text(STAND_IN)
        script.chmod(0o755)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-B", str(ROOT / "infra/ops"), *words]

    def variables(self, **others: str) -> dict[str, str]:
        # Without boto3's variables, and without a proxy.
        return {"PATH": f"{self.folder}:/usr/bin:/bin", "AWS_REGION": REGION, "OPS_POLL_SECONDS": "0.01", "LANG": "C.UTF-8", **others}

    def run(self, *words: str, given: str = "", environment: str | None = None, **variables: str) -> Done:
        """Runs `infra/ops <words> --environment <environment>`, with `given` as standard input."""
        command = self.command(*words, "--environment", environment or self.environment)
        done = subprocess.run(command, input=given, capture_output=True, text=True, env=self.variables(**variables), timeout=120)
        if "Traceback" in done.stderr or "the stand-in failed" in done.stderr + done.stdout:
            raise AssertionError(f"{words}:\n{done.stdout}\n{done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def made(self, service: str, operation: str) -> list[dict]:
        """Returns the arguments of all calls of an operation."""
        return [call.arguments for call in self.calls if (call.service, call.operation) == (service, operation)]


class Site:
    """A server at a free port of this machine, which answers paths with (status, body). `site.requests` has what was asked."""

    def __init__(self, answers: dict[str, tuple[int, Any]] | Callable) -> None:
        self.answers, self.requests = answers, []

    def __enter__(self) -> Site:
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.requests.append((self.command, self.path, dict(self.headers), body))
                answers = site.answers
                status, answer = answers(self.command, self.path, body) if callable(answers) else answers.get(self.path.split("?")[0], (404, {}))
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
