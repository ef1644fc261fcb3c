"""The API of an environment, for what only it can do, and to see what the functions have read."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request

import ready
from aws import Failed

TIMEOUT = 30


class Refused(Failed):
    """The API refused a request. `code` is the end of the problem's type, such as `last-owner`."""

    def __init__(self, status: int, code: str, detail: str):
        super().__init__(code, f"the API answers {status} {code}: {detail}")
        self.status = status


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):  # a token must not be sent to another address
        return None


class Api:
    def __init__(self, url: str, token: str | None = None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise Failed("url", f"{url} is not https: passwords and tokens are sent there")
        self.url, self.token = url, token

    def send(self, method: str, path: str, body=None, **query) -> tuple[int, dict | None]:
        """Sends a request and returns status and body. Raises `Refused` for a problem."""
        words = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        request = urllib.request.Request(f"{self.url}{path}{'?' if words else ''}{words}", method=method)
        request.add_header("Accept", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Failed("unreachable", f"{self.url} cannot be reached ({reason}): check the network and ApiUrl of the stack, and run this again") from None

    def get(self, path: str, **query) -> dict:
        return self.send("GET", path, **query)[1]

    def pages(self, path: str, **query):
        """Yields the items of all pages of a list."""
        cursor = None
        while True:
            page = self.get(path, limit=100, cursor=cursor, **query)
            yield from page["data"]
            cursor = page["meta"].get("nextCursor")
            if not cursor:
                return


def _refused(error: urllib.error.HTTPError) -> Failed:
    try:
        problem = json.loads(error.read())
        return Refused(error.code, problem["type"].rsplit("/", 1)[-1], problem.get("detail", ""))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return Refused(error.code, "error", "the answer is no problem document; is the address right?")


def published_keys(environment) -> set[str]:
    """Returns the ids of the keys that the API publishes."""
    return {key["kid"] for key in Api(environment.url()).get("/.well-known/jwks.json")["keys"]}


def require_ready(environment) -> None:
    """Checks that the functions reach their dependencies, with what they have read."""
    is_ready, text = ready.wait(environment.url())
    if not is_ready:
        raise Failed("ready", f"{environment.url()}/ready: {text}; read docs/runbooks/api-failures.md, then run the same command again")


class Session:
    """A sign-in with a password, which ends with `end`."""

    def __init__(self, environment, email: str, password: str, ask_code=None):
        self.api = Api(environment.url())
        status, answer = self.api.send("POST", "/v1/auth/login", {"email": email, "password": password, "transport": "body"})
        if status == 200:  # a second factor is needed
            challenge = answer["data"]["challenge"]
            if ask_code is None or not {"totp", "recovery_code"} & set(challenge["methods"]):
                raise Failed("second-factor", f"the account {email} needs a second factor that cannot be given here: sign in to the console")
            code = ask_code()
            # A code of an app has six digits, a recovery code is longer.
            member = "code" if len(code) <= 6 else "recoveryCode"
            _, answer = self.api.send("POST", "/v1/auth/challenges/verify", {"token": challenge["token"], member: code, "transport": "body"})
        self.api.token = answer["data"]["accessToken"]

    def end(self) -> None:
        try:
            self.api.send("POST", "/v1/auth/logout")
        except Failed:
            pass  # it ends by itself; what the command did is done
