"""The secrets of an environment in moto, with what rotates them: rotate-keys, migrate and rotate-redis, played by `Rotation`."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from account import Account, Site, error
from environments import App

MONTH = timedelta(days=30)
VALUES = {
    "database": {"username": "arches_api", "password": "pass-database"},
    "database-retention": {"username": "arches_janitor", "password": "pass-retention"},
    "database-backup": {"username": "arches_backup", "password": "pass-backup"},
    "proxy-api": {"username": "arches_api", "password": "pass-database"},
    "redis": {"password": "pass-redis"},
    "monitoring": {"sentryDsn": "", "tracingHeaders": "authorization=old", "unused": "x"},
    "oauth": {"google": {"clientId": "id-g", "clientSecret": "old-g"}, "acme": {"clientId": "id-a", "clientSecret": "old-a", "issuer": "https://a"}},
    "smoke": {"email": "success+1@simulator.amazonses.com", "password": "pass-smoke"},
}


def now() -> datetime:
    return datetime.now(timezone.utc)


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def key_id(word: str, is_base64: bool) -> str:
    return hashlib.sha256(base64.b64decode(word) if is_base64 else word.encode()).hexdigest()[:8]


def random_word() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def signing_key(status: str, **dates: str) -> dict:
    kid = str(uuid.uuid4())
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": f"public-{kid}", "d": f"private-{kid}", "status": status, **dates}


def public(document: dict) -> dict:
    return {"keys": [{name: key[name] for name in ("kty", "crv", "alg", "use", "kid", "x")} for key in document["keys"]]}


class Vault:
    """Creates the secrets. `vault["auth"]` is the current value."""

    def __init__(self, account: Account) -> None:
        self.account, self.client = account, account.client("secretsmanager")
        self.parameters = account.client("ssm")
        account.on("secretsmanager", "put-secret-value", self._put)
        before, month_ago = text(now() - 2 * MONTH), text(now() - MONTH)
        signing = {"keys": [signing_key("next", published_at=month_ago), signing_key("current", published_at=before), signing_key("previous", published_at=before, retired_at=month_ago)]}
        values: dict[str, Any] = {**VALUES, "signing-keys": signing, "verification-keys": public(signing)}
        for name, member in (("auth", "refreshSecret"), ("encryption", "key")):
            words = [random_word() for _ in range(3)]
            dates = [{"publishedAt": before}, {"publishedAt": before, "retiredAt": month_ago}, {"publishedAt": month_ago}]
            ids = [key_id(word, name == "encryption") for word in words]
            values[name] = {member: ",".join(words), f"{member}Dates": dict(zip(ids, dates))}
        values["auth"]["sessionSecret"] = random_word()
        for name, value in [*values.items(), ("model", None)]:
            given = {} if value is None else {"SecretString": json.dumps(value)}
            arn = self.client.create_secret(Name=f"arches/{self.account.environment}/{name}", **given)["ARN"]
            self._publish(f"{name}-secret", arn)
        owner = self.client.create_secret(Name="rds!cluster-1", SecretString=json.dumps({"username": "arches_owner", "password": "pass-owner"}))
        self._publish("database-owner-secret", owner["ARN"])
        self._publish("database-cluster-id", f"arches-{self.account.environment}")

    def _publish(self, name: str, value: str) -> None:
        self.parameters.put_parameter(Name=f"/arches/{self.account.environment}/data/{name}", Value=value, Type="String")

    def _put(self, given: dict) -> dict:
        """Writes a version. moto leaves two current ones if one was moved before, AWS does not."""
        stages = self.client.describe_secret(SecretId=given["SecretId"]).get("VersionIdsToStages", {})
        current = next((version for version, found in stages.items() if "AWSCURRENT" in found), None)
        if current is None or given["VersionStages"] != ["AWSCURRENT"]:
            return self.client.put_secret_value(**given)
        made = self.client.put_secret_value(**{**given, "VersionStages": ["MADE"]})
        move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": made["VersionId"], "RemoveFromVersionId": current}
        return self.client.update_secret_version_stage(SecretId=given["SecretId"], **move)

    def arn(self, name: str) -> str:
        return name if name.startswith("rds!") else f"arches/{self.account.environment}/{name}"

    def __getitem__(self, name: str) -> Any:
        return json.loads(self.client.get_secret_value(SecretId=self.arn(name), VersionStage="AWSCURRENT")["SecretString"])

    def tags(self, name: str) -> dict:
        return {tag["Key"]: tag["Value"] for tag in self.client.describe_secret(SecretId=self.arn(name)).get("Tags", [])}

    def stages(self, name: str) -> dict:
        return self.client.describe_secret(SecretId=self.arn(name))["VersionIdsToStages"]

    def values(self) -> set[str]:
        """Returns every secret text that there is: what must be in no argument of a process."""
        found: set[str] = set()

        def collect(value: Any) -> None:
            if isinstance(value, dict):
                for name, member in value.items():
                    if name in ("d", "password", "clientSecret", "key", "refreshSecret", "sessionSecret", "tracingHeaders"):
                        found.update(word for word in str(member).split(",") if len(word) > 4)
                    collect(member)
            elif isinstance(value, list):
                for member in value:
                    collect(member)

        for secret in self.client.list_secrets()["SecretList"]:
            for version in self.client.list_secret_version_ids(SecretId=secret["ARN"], IncludeDeprecated=True)["Versions"]:
                collect(json.loads(self.client.get_secret_value(SecretId=secret["ARN"], VersionId=version["VersionId"])["SecretString"]))
        return found


class Rotation:
    """What Secrets Manager and the three functions do with `rotate-secret` (functions/rotate-keys/src/generations.rs)."""

    def __init__(self, vault: Vault) -> None:
        self.vault, self.client, self.rotated, self.refusal = vault, vault.client, [], None
        vault.account.on("secretsmanager", "rotate-secret", self)
        vault.account.on("logs", "filter-log-events", self._log)

    def __call__(self, given: dict) -> dict:
        described = self.client.describe_secret(SecretId=given["SecretId"])
        name = described["Name"].rsplit("/", 1)[-1]
        self.rotated.append(name)
        if self.refusal:  # the function has withdrawn the version
            return {"ARN": described["ARN"], "Name": described["Name"], "VersionId": given["ClientRequestToken"]}
        current = next(version for version, stages in described["VersionIdsToStages"].items() if "AWSCURRENT" in stages)
        pending = json.dumps(self._after(name, self.vault[name]))
        self.client.put_secret_value(SecretId=given["SecretId"], ClientRequestToken=given["ClientRequestToken"], SecretString=pending, VersionStages=["AWSPENDING"])
        if name == "signing-keys":
            self.vault._put({"SecretId": "arches/staging/verification-keys", "SecretString": json.dumps(public(json.loads(pending))), "VersionStages": ["AWSCURRENT"]})
        move = {"VersionStage": "AWSCURRENT", "MoveToVersionId": given["ClientRequestToken"], "RemoveFromVersionId": current}
        self.client.update_secret_version_stage(SecretId=given["SecretId"], **move)
        return {"ARN": described["ARN"], "Name": described["Name"], "VersionId": given["ClientRequestToken"]}

    def _log(self, given: dict) -> dict:
        assert given["logGroupName"].endswith("Logs-1"), given
        line = json.dumps({"level": "ERROR", "message": "job failed", "error": self.refusal})
        return {"events": [{"timestamp": 1, "message": line}] if self.refusal else []}

    def _after(self, name: str, document: dict) -> dict:
        if name == "signing-keys":
            return self._keys_after(document)
        for secret, member in (("auth", "refreshSecret"), ("encryption", "key")):
            if name == secret:
                return self._text_after(document, member, name == "encryption")
        other = document["username"].removesuffix("_alternate") if document.get("username", "").endswith("_alternate") else f"{document.get('username')}_alternate"
        return {**document, **({"username": other} if "username" in document else {}), "password": f"made-{uuid.uuid4()}"}

    def _keys_after(self, document: dict) -> dict:
        keys = document["keys"]
        assert sum(key["status"] == "current" for key in keys) == 1, keys
        following = [key for key in keys if key["status"] == "next"]
        if following:
            changed = {"next": {"status": "current"}, "current": {"status": "previous", "retired_at": text(now())}, "previous": {}}
            keys = [{**key, **changed[key["status"]]} for key in keys]
        return {"keys": [signing_key("next", published_at=text(now())), *keys]}

    def _text_after(self, document: dict, member: str, is_base64: bool) -> dict:
        words, dates = document[member].split(","), dict(document.get(f"{member}Dates", {}))
        last = dates.get(key_id(words[-1], is_base64), {})
        if len(words) > 1 and "publishedAt" in last and "retiredAt" not in last:
            dates.setdefault(key_id(words[0], is_base64), {})["retiredAt"] = text(now())
            words = [words[-1], *words[:-1]]
        fresh = random_word()
        dates[key_id(fresh, is_base64)] = {"publishedAt": text(now())}
        return {**document, member: ",".join([*words, fresh]), f"{member}Dates": dates}


class Environment:
    """`with Environment() as env:` an account with the secrets, the functions that rotate, and the API."""

    def __init__(self, name: str = "staging") -> None:
        self.name = name

    def __enter__(self) -> Environment:
        self.account = Account(self.name).__enter__()
        self.site = Site(self._answer).__enter__()
        self.app = App(self.account, self.site, functions=["migrate", "retention", "rotate-keys"])
        for name in ("Migrate", "RotateKeys", "RotateRedis"):
            self.account.add_resource("app", f"{name}Logs", "AWS::Logs::LogGroup", f"arches-{self.name}-app-{name}Logs-1")
        self.vault = Vault(self.account)
        self.rotation = Rotation(self.vault)
        self.password = VALUES["smoke"]["password"]
        self.invoked: list[tuple[str, dict]] = []
        self.results: dict[str, list] = {}
        self.account.on("lambda", "invoke", self._invoke)
        return self

    def __exit__(self, *_: object) -> None:
        self.site.__exit__()
        self.account.__exit__()

    def _invoke(self, given: dict) -> dict:
        name = given["FunctionName"].split("-")[3]
        self.invoked.append((name, json.loads(given["Payload"])))
        return {"StatusCode": 200, "Payload": json.dumps(self.results[name].pop(0) if self.results.get(name) else {})}

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/ready":
            return 200, {}
        if path == "/.well-known/jwks.json":
            return 200, self.vault["verification-keys"]
        given = json.loads(body) if body else {}
        if path == "/v1/auth/login":
            if given["password"] != self.password:
                return 401, {"type": "https://archesai.com/problems/wrong-credentials", "detail": "no"}
            return 201, {"data": {"accessToken": "token"}}
        if path == "/v1/auth/change-password":
            assert given["currentPassword"] == self.password
            self.password = given["newPassword"]
        return 204, None

    def run(self, *words: str, **given: Any):
        return self.account.run("rotate", *words, "--yes", self.name, **given)


def refuse_nth_write(account: Account, number: int) -> None:
    """Lets the `number`th call that changes a secret fail, as if the command was interrupted there."""
    count = [0]

    def counted(operation: str):
        before = account.handlers.get(("secretsmanager", operation))

        def handler(arguments: dict) -> Any:
            count[0] += 1
            if count[0] == number:
                raise error("InternalServiceError", "stopped here")
            return before(arguments) if before else account.moto("secretsmanager", operation, arguments)

        return handler

    for operation in ("put-secret-value", "rotate-secret", "tag-resource", "untag-resource", "update-secret-version-stage"):
        account.on("secretsmanager", operation, counted(operation))
