"""Lists what can be restored, and restores: the environment to a moment, a backup into a database of its own, or one deleted organization.

  list                        the moments of the database, the backups, and the recovery in progress
  moment <moment>             the environment as it was then (UTC, 2026-01-02T03:04:05Z): closes the API, restores the database beside the old one,
                              deploys the built app to it, repeats the erasures, and opens the API. Run it again to continue
  backup [<id>]               a backup, the newest by default, into the empty database --target
  drill [<id>]                the same into a scratch database, which is removed
  organization <id>           a deleted organization, within 30 days of its deletion
  close, open                 answers every request with 429; lets requests in again, also to give up a recovery"""

from __future__ import annotations

import json

import aws
import database
import recovery
import screen
import stacks
import waiting
from aws import Failed
from recovery import MOMENT, Gate, Recovery
from report import done, remains

HELP = "restore the environment, a backup or a deleted organization"
EXAMPLES = [
    "list --environment staging",
    "moment 2026-01-02T03:04:05Z --version v1.2.3+2 --environment staging",
    "organization 0197c0de-0000-7000-8000-000000000000 --environment production",
]


def arguments(parser) -> None:
    parser.add_argument("what", choices=["list", "moment", "backup", "drill", "organization", "close", "open"])
    parser.add_argument("which", nargs="?", metavar="moment or id", help="as above")
    parser.add_argument("--version", metavar="VERSION", help="of moment: the version of the built app, such as v1.2.3+2")
    parser.add_argument("--target", metavar="DATABASE", help="of backup: the name of a database that is empty or does not exist")
    parser.add_argument("--unconfirmed", choices=["erase", "keep"], help="of moment and backup: what happens to users whose erasure is not certain")
    parser.add_argument("--manifest-sha256", metavar="HASH", help="of backup and drill: trust the manifest with this hash without its MAC")
    screen.add_yes(parser)


# The options that belong to what is restored; the first ones are needed.
OPTIONS = {
    "list": ([], []),
    "moment": (["which", "version"], ["unconfirmed"]),
    "backup": (["target"], ["which", "unconfirmed", "manifest_sha256"]),
    "drill": ([], ["which", "manifest_sha256"]),
    "organization": (["which"], []),
    "close": ([], []),
    "open": ([], []),
}


def run(environment, given) -> None:
    needed, allowed = OPTIONS[given.what]
    for name in ("which", "version", "target", "unconfirmed", "manifest_sha256"):
        shown = "<moment or id>" if name == "which" else f"--{name.replace('_', '-')}"
        if getattr(given, name) is None and name in needed:
            raise Failed("arguments", f"`restore {given.what}` needs {shown}")
        if getattr(given, name) is not None and name not in needed + allowed:
            raise Failed("arguments", f"`restore {given.what}` does not take {shown}")
    {"list": show, "moment": moment, "backup": backup, "drill": backup, "organization": organization, "close": close, "open": reopen}[given.what](environment, given)


def show(environment, _) -> None:
    used = database.of(environment)
    earliest, latest = used.window()
    screen.say(f"moments of the {used.kind}: {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}")
    found = Recovery(environment)
    screen.say(f"recovery: {found.moment} {found.state}" if found.moment else "recovery: never begun")
    screen.say(f"API: {'closed' if found.gate.is_closed() else 'open'}\n")
    listed = aws.invoke(environment.function("restore-drill"), {"command": "list"})
    rows = [[one["id"], one["begunAt"], *("yes" if one[name] else "" for name in ("complete", "verified", "hidden"))] for one in reversed(listed)]
    screen.table(["backup, newest first", "begun", "complete", "verified", "hidden"], rows)


def moment(environment, given) -> None:
    if not MOMENT.fullmatch(given.which):
        raise Failed("arguments", f"{given.which} is no moment: 2026-01-02T03:04:05Z, in UTC")
    found = Recovery(environment)
    is_same, is_switched = found.moment == given.which, found.is_switched()
    if is_same and found.state == "opened":
        return done(f"the recovery to {given.which} is finished, and the API is open: nothing to do.")
    if is_switched and not is_same and found.state != "opened":
        raise Failed("order", f"the recovery to {found.moment} is not finished ({found.state}): run `restore moment {found.moment}` first")
    used = database.of(environment)
    if not (is_same and is_switched):
        earliest, latest = used.window()
        if not earliest <= waiting.parsed(given.which) <= latest:
            raise Failed("arguments", f"the {used.kind} can be recovered from {earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}")
    if not (stacks.INFRA.parent / ".aws-sam/build/template.yaml").exists():
        raise Failed("build", "there is no build: `git checkout <the release that runs> && sam build`, and run this again")
    continued = f", which has reached \"{found.state}\", is continued" if is_same else " begins"
    text = (
        f"The recovery of {environment.name} to {given.which}{continued}.\n"
        f"Every request gets 429 until it is finished, usually after 20 to 60 minutes. What was written after the moment is lost.\n"
        f"All sessions end. The old {used.kind} stays, with its data and its price."
    )
    screen.confirm(environment.name, text, given.yes)
    found.gate.close()
    done("the API is closed.")
    found.begin(given.which)
    found.restore()
    done(f"the {used.kind} {found.new} is restored.")
    found.switch(given.version)
    done("the functions use it.")
    found.replay(given.unconfirmed)
    found.check_files()
    found.open()
    done("the API is open.")
    remains(f"the data stack has the old {used.kind}. Before you deploy `data` again, import the new one in its place (CloudFormation, Import resources).")
    remains(f"delete the old {used.kind} when nobody needs it any more.")
    remains("tell the owners: API keys and roles are those of the moment; artifacts whose files are gone are listed with status=failed.")


def backup(environment, given) -> None:
    event = {"command": "drill" if given.what == "drill" else "restore", "backup": given.which, "target": given.target}
    event = {**event, "unconfirmed": given.unconfirmed, "manifestSha256": given.manifest_sha256}
    if given.what == "backup":
        what = f"the backup {given.which}" if given.which else "the newest backup"
        screen.confirm(environment.name, f"{what[0].upper()}{what[1:]} is restored into the database {given.target}. What runs now is not changed.", given.yes)
    screen.progress("restore-drill runs, for up to 15 minutes")
    answer = recovery.restore_drill(environment, {name: value for name, value in event.items() if value is not None})
    screen.say(json.dumps(answer, indent=2))
    if given.what == "backup":
        remains(f"nothing uses {given.target} yet: docs/operations/restore.md, Real restore, has the steps")


def organization(environment, given) -> None:
    text = f"The organization {given.which} is restored, with its members, API keys and files. If a leaked API key was the reason to delete it, the key works again."
    screen.confirm(environment.name, text, given.yes)
    try:
        answer = aws.invoke(environment.function("migrate"), {"command": "restore-organization", "organization": given.which})
    except Failed as error:
        hint = ". After its 30 days it is only in a backup: docs/operations/restore.md, One organization" if "purged" in error.text or "until" in error.text else ""
        raise Failed(error.code, f"{error.text}{hint}") from None
    done(f"{given.which} is restored, for its owners ({answer['owners']} active). The audit log has organization.restored, without an actor.")
    remains("nobody is told: tell the owners.")


def close(environment, given) -> None:
    screen.confirm(environment.name, f"Every request to {environment.name} gets 429 until `restore open`.", given.yes)
    Gate(environment).close()
    done("the API is closed.")


def reopen(environment, given) -> None:
    found = Recovery(environment)
    gives_up = found.state == "restored" and not found.is_switched()
    screen.confirm(environment.name, f"Requests to {environment.name} are let in again.", given.yes)
    found.open()
    done("the API is open.")
    if gives_up:
        remains(f"the {database.of(environment).kind} {found.new}, which nothing uses: delete it, or continue with `restore moment {found.moment}`")
