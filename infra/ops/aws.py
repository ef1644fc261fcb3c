"""Calls the AWS CLI. Every call has a deadline, and every failure is a `Failed` that says what to do.

The arguments of an operation go to the CLI through a file that only this user can read, and that is deleted after the call: a command
line can be read by every user of the machine. Not through standard input: the CLI reads the file of --cli-input-json twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

THROTTLED = {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "RequestThrottled"}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException", "403"}
SIGNED_OUT = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "AuthFailure"}
SIGNED_OUT_TEXTS = (
    "Unable to locate credentials",
    "Error loading SSO Token",
    "Error when retrieving token from sso",
    "Token has expired",
    "session associated with this profile",
    "refresh failed",
    "config profile",
    "Partial credentials",
    "aws login",
)


class Failed(Exception):
    """A call that failed. `code` is that of AWS, or one of: cli, signed-out, denied, throttled, region, unreachable, deadline, arguments."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code, self.text = code, text


def call(service: str, operation: str, *, region: str | None = None, deadline: float = 60, attempts: int = 3, **arguments):
    """Calls `aws <service> <operation>` and returns the parsed answer, of all pages.

    `arguments` have the names of the service's API, such as FunctionName. An operation that must not be repeated gets `attempts=1`.
    """
    with _file(json.dumps(arguments)) as name:
        text = _run([service, operation, "--cli-input-json", f"file://{name}"], region, deadline, attempts)
    return json.loads(text) if text.strip() else {}


def invoke(function: str, payload, *, deadline: float = 910):
    """Invokes the live version of a function once, waits for it, and returns its answer. An error of the function is `Failed`, with the code `function`."""
    function = f"{function}:live"
    # This operation has no --cli-input-json. The answer may contain personal data, so it has a file of the same kind.
    with _file(json.dumps(payload)) as name:
        words = ["lambda", "invoke", "--function-name", function, "--payload", f"fileb://{name}", f"{name}.answer"]
        result = json.loads(_run(words, None, deadline, 1))
        with open(f"{name}.answer", encoding="utf-8") as file:
            text = file.read()
    if result.get("FunctionError"):
        raise Failed("function", f"{function} failed: {_message(text)}")
    return json.loads(text) if text.strip() else None


def if_found(read):
    """Returns what `read` returns; None if AWS does not have it. Any other failure is an error: it may exist."""
    try:
        return read()
    except Failed as error:
        if "NotFound" in error.code or error.code in ("404", "NoSuchBucket"):
            return None
        raise


def region() -> str:
    """Returns the region that calls go to."""
    found = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not found:
        try:
            found = _run(["configure", "get", "region"], None, 10, 1).strip()
        except Failed as error:
            if error.code == "cli":
                raise
    if not found:
        raise Failed("region", "no region is set: export AWS_REGION=<region>")
    return found


def account() -> str:
    """Returns the number of the account that calls go to."""
    return call("sts", "get-caller-identity")["Account"]


def parallel(work, items: list) -> list:
    """Calls `work` with each item, eight at a time. Returns the results in the same order; a `Failed` in place of one that failed."""

    def tried(item):
        try:
            return work(item)
        except Failed as error:
            return error

    pool = ThreadPoolExecutor(8)
    try:
        return list(pool.map(tried, items))
    finally:
        # After an interruption nothing new begins.
        pool.shutdown(cancel_futures=True)


def succeeded(results: list) -> list:
    """Returns the results; raises the first `Failed` among them."""
    for one in results:
        if isinstance(one, Failed):
            raise one
    return results


def pause(seconds: float) -> None:
    """Waits before the next look at something that changes. Tests do not wait."""
    time.sleep(float(os.environ.get("OPS_POLL_SECONDS", seconds)))


@contextlib.contextmanager
def _file(text: str):
    """Writes a file into a folder that only this user can read, and deletes both at the end."""
    with tempfile.TemporaryDirectory(prefix="arches-ops-") as folder:
        name = os.path.join(folder, "arguments")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        yield name


def _message(text: str) -> str:
    try:
        return json.loads(text)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        return text.strip() or "no message"


def _run(words: list[str], in_region: str | None, deadline: float, attempts: int) -> str:
    command = ["aws", *words, "--output", "json", "--cli-connect-timeout", "10", "--cli-read-timeout", str(int(deadline))]
    command += ["--region", in_region] if in_region else []
    environment = {**os.environ, "AWS_PAGER": "", "AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": str(attempts)}
    action = ":".join(words[:2])
    try:
        # The CLI itself ends first, unless it hangs.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", env=environment, timeout=deadline + 15)
    except FileNotFoundError:
        raise Failed("cli", "the AWS CLI is missing: install version 2, https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html") from None
    except subprocess.TimeoutExpired:
        raise Failed("deadline", f"{action}: AWS did not answer within {deadline:.0f} s: try again") from None
    if done.returncode:
        raise _failure(action, done.stderr.strip())
    return done.stdout


def _failure(action: str, text: str) -> Failed:
    """Returns the error that the CLI printed, with what to do."""
    # The last line that says anything; lines above it are warnings, or the usage of the CLI.
    last = text.splitlines()[-1].strip() if text else "no message"
    found = re.search(r"An error occurred \(([^)]+)\) when calling the (\w+) operation[^:]*: ?(.*)", text, re.DOTALL)
    code, message = (found[1], " ".join(found[3].split())) if found else ("", last)
    if code in SIGNED_OUT or (not code and any(sign in text for sign in SIGNED_OUT_TEXTS)):
        return Failed("signed-out", f"not signed in to AWS ({message}): sign in, for example with `aws sso login`, and try again")
    if code in DENIED:
        named = re.search(r"perform: (\S+)", message)
        needs = named[1] if named else action
        return Failed("denied", f"no permission for {needs}: use a role that has it ({message})")
    if code in THROTTLED:
        return Failed("throttled", f"{action}: AWS limits the rate of calls ({message}): wait a minute and try again")
    if "You must specify a region" in text:
        return Failed("region", "no region is set: export AWS_REGION=<region>")
    if "Could not connect to the endpoint" in text or "Connect timeout" in text or "Read timeout" in text:
        return Failed("unreachable", f"{action}: AWS cannot be reached ({last}): check the network, and the region {os.environ.get('AWS_REGION', '')}")
    if "Unknown options" in text or "Invalid choice" in text or "unrecognized arguments" in text or "invalid choice" in text:
        return Failed("cli", f"{action}: the AWS CLI does not know the operation or an option ({last}): install the newest version 2")
    return Failed(code or "arguments", f"{action} failed: {code + ': ' if code else ''}{message}")
