"""Gives a secret of the environment another value: what exists and how it is replaced shows --list.

The command waits until the new value works, checks it, and says what remains until when. It can be interrupted and run again.
A value that a third party has made is read from standard input, or asked for without showing it; it is never an argument."""

from __future__ import annotations

import aws
import parameters
import screen
import waiting
from aws import Failed
from given import Given, Smoke
from keys import KeySet, Text
from rotation import Keys, Owner, Password, end_connections
from secretstore import LEAKED, Secret

HELP = "replace a password, keys, or the key of a third party"
EXAMPLES = [
    "--environment staging --list",
    "signing-keys --environment staging",
    "signing-keys --leaked --environment production",
    "model --environment staging",
    "oauth --member google --environment staging",
]

SESSIONS = "sessions that were opened with a leaked key cannot be refreshed: their users sign in again when their access token has expired"
WAYS = {
    "auth": Keys(Text("refreshSecret", False), "JWT_REFRESH_EXPIRY, 7 days, and an hour", SESSIONS),
    "database": Password("migrate", "End them: " + end_connections("arches_api", "arches_api_alternate")),
    "database-backup": Password("migrate", "End them: " + end_connections("arches_backup", "arches_backup_alternate")),
    "database-retention": Password("migrate", "End them: " + end_connections("arches_janitor", "arches_janitor_alternate")),
    "encryption": Keys(
        Text("key", True),
        "90 days",
        "answers that were stored under a leaked key cannot be returned: a request that is repeated within its 24 hours is executed again",
        reseals=True,
    ),
    "model": Given(("key",), "the account at the operator of the model"),
    "monitoring": Given(("sentryDsn", "tracingHeaders"), "the account at the receiver"),
    "oauth": Given((), "the application at the identity provider", ("clientSecret",)),
    "owner": Owner(),
    "redis": Password("rotate-redis", "If a stranger may be connected, reboot the nodes one after the other: aws elasticache reboot-cache-cluster --cache-cluster-id arches-{environment}-001 --cache-node-ids-to-reboot 0001"),
    "signing-keys": Keys(KeySet(), "JWT_EXPIRY, 15 minutes, and an hour", "access tokens that were signed with a leaked key are refused: clients refresh, nobody is signed out"),
    "smoke": Smoke(),
}
# Another secret rotates them.
WITH = {
    "proxy-api": "database",
    "proxy-api-alternate": "database",
    "proxy-retention": "database-retention",
    "proxy-retention-alternate": "database-retention",
    "verification-keys": "signing-keys",
}


def arguments(parser) -> None:
    parser.add_argument("secret", nargs="?", choices=sorted([*WAYS, *WITH]), metavar="secret", help="its name without arches/<environment>/, or owner")
    parser.add_argument("--list", action="store_true", help="show all secrets, their age and how each is replaced")
    parser.add_argument("--leaked", action="store_true", help="somebody may have read it: what it has now stops working as soon as it can")
    parser.add_argument("--key", metavar="ID", help="with --leaked: only this key has leaked, not the whole secret")
    parser.add_argument("--member", metavar="NAME", help="of oauth: the provider; of monitoring: sentryDsn or tracingHeaders")
    screen.add_yes(parser)


def run(environment, given) -> int | None:
    if given.list == bool(given.secret):
        raise Failed("arguments", "name one secret, or --list")
    if given.list:
        return show(environment)
    if given.secret in WITH:
        raise Failed("arguments", f"{given.secret} has no value of its own: rotate {WITH[given.secret]}")
    way = WAYS[given.secret]
    if given.key and not (given.leaked and isinstance(way, Keys)):
        raise Failed("arguments", "--key goes with --leaked, and with signing-keys, auth or encryption")
    if given.member and not isinstance(way, Given):
        raise Failed("arguments", f"--member is of oauth and monitoring; {given.secret} is replaced as a whole")
    secret = Secret(arn(environment, given.secret), given.secret)
    if not given.leaked and isinstance(way, (Keys, Password)) and secret.leaked():
        raise Failed("arguments", f"the removal of a leak is not finished: run `rotate {given.secret} --leaked` again first")
    (way.retire if given.leaked else way.rotate)(environment, secret, given)


def arn(environment, name: str) -> str:
    return environment.parameter("data/database-owner-secret" if name == "owner" else f"data/{name}-secret")


def show(environment) -> None:
    """Prints a row for each secret. Reads no value."""
    prefix = f"arches/{environment.name}/"
    listed = aws.call("secretsmanager", "list-secrets", Filters=[{"Key": "name", "Values": [prefix]}])["SecretList"]
    found = {one["Name"][len(prefix) :]: one for one in listed if one["Name"].startswith(prefix)}
    # In a region that had copies of secrets, their names are taken: those in use are in a folder (docs/operations/second-region.md).
    if folder := parameters.of(environment.name, "data")["SecretsFolder"]:
        found.update({name[len(folder) :]: found.pop(name) for name in list(found) if name.startswith(folder)})
    found["owner"] = Secret(arn(environment, "owner"), "owner").describe()
    rows = aws.parallel(lambda name: _row(name, found[name]), sorted(found))
    screen.table(["secret", "age in days", "replaced", "next", ""], aws.succeeded(rows))


def _row(name: str, described: dict) -> list[str]:
    _, made = Secret(described["ARN"], name).versions().get("AWSCURRENT", (None, None))
    age = "no value yet" if made is None else (waiting.now() - made).days
    following = described.get("NextRotationDate")
    leaked = any(tag["Key"] == LEAKED for tag in described.get("Tags", []))
    way = f"with {WITH[name]}" if name in WITH else WAYS[name].how if name in WAYS else "unknown: not of the data stack"
    return [name, age, way, waiting.shown(waiting.parsed(following))[:10] if following else "", "a leak is not removed yet: --leaked" if leaked else ""]
