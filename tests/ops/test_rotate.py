"""infra/ops rotate: passwords, keys of third parties, the account of the smoke test, and the list."""

import os
import pty
import re
import shutil
import sys
import unittest

from account import ROOT
from environments import sentence
from vault import VALUES, Environment, refuse_nth_write


class Lists(unittest.TestCase):
    def test_list_has_every_secret_of_the_data_stack_and_reads_no_value(self) -> None:
        with Environment() as env:
            done = env.account.run("rotate", "--list")
            self.assertEqual(done.code, 0, done)
            self.assertRegex(done.out, r"signing-keys +0 +every 30 days, by rotate-keys")
            self.assertRegex(done.out, r"model +no value yet +by a person")
            self.assertRegex(done.out, r"owner +0 +every week, by RDS")
            self.assertRegex(done.out, r"proxy-api +0 +with database")
            self.assertEqual(env.account.made("secretsmanager", "get-secret-value"), [])
        template = (ROOT / "infra/data/secrets.yaml").read_text()
        named = set(re.findall(r"Name: !Sub arches/\$\{Environment\}/(?:\$\{SecretsFolder\})?(\S+)", template))
        source = (ROOT / "infra/ops/commands/rotate.py").read_text()
        known = set(re.findall(r'^    "([a-z-]+)": ', source, re.MULTILINE))
        self.assertEqual(known, named | {"owner"})
        page = (ROOT / "docs/operations/rotate-keys.md").read_text()
        rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
        self.assertLessEqual(known, {name for row in rows for name in re.findall("`([a-z-]+)`", row)})

    def test_list_after_the_loss_of_a_region_shows_the_secrets_in_use_and_not_the_copies(self) -> None:
        with Environment() as env:
            env.vault.client.create_secret(Name="arches/staging/recovered/model", SecretString="{}")
            folder = env.account.folder / "project"
            shutil.copytree(ROOT / "infra/ops", folder / "infra/ops", ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copytree(ROOT / "infra/environments", folder / "infra/environments")
            values = folder / "infra/environments/staging/data.yaml"
            values.write_text(values.read_text().replace('SecretsFolder: ""', "SecretsFolder: recovered/"))
            env.account.command = lambda *words: [sys.executable, "-B", str(folder / "infra/ops"), *words]
            done = env.account.run("rotate", "--list")
            self.assertEqual(done.code, 0, done)
            self.assertRegex(done.out, r"model +0 +by a person")
            self.assertNotIn("recovered", done.out)

    def test_leak_that_is_not_removed_yet_is_shown(self) -> None:
        with Environment() as env:
            env.vault.client.tag_resource(SecretId="arches/staging/auth", Tags=[{"Key": "leaked", "Value": "key 1"}])
            self.assertRegex(env.account.run("rotate", "--list").out, r"auth .* a leak is not removed yet: --leaked")


class Refusals(unittest.TestCase):
    def test_nothing_is_asked_of_aws_for_wrong_arguments(self) -> None:
        with Environment() as env:
            for words, why in (
                ([], "name one secret, or --list"),
                (["redis", "--list"], "name one secret, or --list"),
                (["proxy-api"], "rotate database"),
                (["verification-keys", "--leaked"], "rotate signing-keys"),
                (["signing-keys", "--key", "k"], "--key goes with --leaked"),
                (["redis", "--leaked", "--key", "k"], "--key goes with --leaked"),
                (["redis", "--member", "password"], "replaced as a whole"),
            ):
                done = env.account.run("rotate", *words)
                self.assertEqual(done.code, 1, words)
                self.assertIn(why, done.err)
            self.assertEqual(env.account.calls, [])

    def test_nothing_changes_without_the_name_of_the_environment(self) -> None:
        with Environment() as env:
            for name in ("database", "redis", "signing-keys", "auth", "encryption", "owner", "model", "monitoring", "smoke"):
                for flags in ([], ["--leaked"]):
                    member = ["--member", "sentryDsn"] if name == "monitoring" else []
                    for answer in ([], ["--yes", "production"]):
                        done = env.account.run("rotate", name, *flags, *member, *answer, given="new-value\n")
                        self.assertEqual(done.code, 1, done)
                        self.assertIn("nothing was changed", done.err)
            self.assertEqual({call.operation for call in env.account.calls} & {"rotate-secret", "put-secret-value", "tag-resource", "modify-db-cluster"}, set())

    def test_refusal_of_the_function_is_shown_and_the_value_stays(self) -> None:
        with Environment() as env:
            before = env.vault["signing-keys"]
            env.rotation.refusal = "the next key is not known everywhere before 2026-01-02T03:04:05Z; nothing is changed"
            done = env.run("signing-keys")
            self.assertEqual(done.code, 1)
            self.assertIn("the rotation of signing-keys was refused: the next key is not known everywhere before 2026-01-02", done.err)
            self.assertIn("The current value stays valid", done.err)
            self.assertEqual(env.vault["signing-keys"], before)

    def test_secret_that_no_function_rotates_yet_is_explained_by_aws(self) -> None:
        with Environment() as env:
            env.account.fail("secretsmanager", "rotate-secret", "InvalidRequestException", "You must specify a Lambda function ARN")
            done = env.run("redis")
            self.assertEqual(done.code, 1)
            self.assertIn("You must specify a Lambda function ARN", done.err)


class Passwords(unittest.TestCase):
    def test_password_is_rotated_once_and_what_remains_is_said(self) -> None:
        with Environment() as env:
            done = env.run("database")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(env.rotation.rotated, ["database"])
            self.assertEqual(env.vault["database"]["username"], "arches_api_alternate")
            self.assertIn("the password before it works until the next rotation", done.out)

    def test_earlier_rotation_that_is_not_finished_is_waited_for(self) -> None:
        with Environment() as env:
            client = env.vault.client
            client.put_secret_value(SecretId="arches/staging/redis", ClientRequestToken="a" * 32, SecretString='{"password": "earlier"}', VersionStages=["AWSPENDING"])
            looks = []

            def describe(given: dict) -> dict:
                looks.append(given)
                if len(looks) == 4:
                    current = next(version for version, stages in env.vault.stages("redis").items() if "AWSCURRENT" in stages)
                    client.update_secret_version_stage(SecretId="arches/staging/redis", VersionStage="AWSCURRENT", MoveToVersionId="a" * 32, RemoveFromVersionId=current)
                return env.account.moto("secretsmanager", "describe-secret", given)

            env.account.on("secretsmanager", "describe-secret", describe)
            env.account.fail("secretsmanager", "rotate-secret", "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")
            done = env.run("redis")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(env.vault["redis"], {"password": "earlier"})

    def test_leaked_password_works_nowhere_after_two_rotations(self) -> None:
        for name in ("database", "database-retention", "database-backup", "redis"):
            with Environment() as env:
                leaked = next(iter(env.vault.stages(name)))
                done = env.run(name, "--leaked")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(env.rotation.rotated, [name, name])
                self.assertFalse(env.vault.stages(name)[leaked])
                self.assertEqual(env.vault.tags(name), {})
                self.assertIn("every function then has read the password that is current now", done.err)
                self.assertIn("reboot-cache-cluster --cache-cluster-id arches-staging-001" if name == "redis" else "pg_terminate_backend", done.out)

    def test_interrupted_removal_of_a_leaked_password_is_continued_and_not_begun_again(self) -> None:
        # 1 the tag, 2 and 3 the rotations, 4 the tag again
        for stopped in (1, 2, 3, 4):
            with Environment() as env:
                leaked = next(iter(env.vault.stages("redis")))
                refuse_nth_write(env.account, stopped)
                done = env.run("redis", "--leaked")
                self.assertEqual(done.code, 1)
                self.assertIn("stopped here", done.err)
                if stopped > 1:
                    planned = env.run("redis")
                    self.assertIn("run `rotate redis --leaked` again first", planned.err)
                done = env.run("redis", "--leaked")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(env.rotation.rotated, ["redis", "redis"])
                self.assertFalse(env.vault.stages("redis")[leaked])
                self.assertEqual(env.vault.tags("redis"), {})

    def test_owner_gets_a_password_of_rds_and_migrate_connects_with_it(self) -> None:
        with Environment() as env:
            looks = []

            def describe(_: dict) -> dict:
                looks.append(1)
                if len(looks) == 3:
                    env.vault.client.put_secret_value(SecretId="rds!cluster-1", SecretString='{"password": "made-by-rds"}')
                state = "rotating" if len(looks) < 4 else "active"
                return {"DBClusters": [{"MasterUserSecret": {"SecretStatus": state}}]}

            env.account.on("rds", "modify-db-cluster", lambda _: {})
            env.account.on("rds", "describe-db-clusters", describe)
            done = env.run("owner")
            self.assertEqual(done.code, 0, done)
            [change] = env.account.made("rds", "modify-db-cluster")
            self.assertEqual(change, {"DBClusterIdentifier": "arches-staging", "RotateMasterUserPassword": True, "ApplyImmediately": True})
            self.assertEqual(env.invoked, [("Migrate", {"command": "status"})])

    def test_owner_of_an_instance_gets_a_password_too(self) -> None:
        with Environment("small") as env:
            env.account.on("rds", "modify-db-instance", lambda _: {} if env.vault.client.put_secret_value(SecretId="rds!cluster-1", SecretString="{}") else None)
            env.account.on("rds", "describe-db-instances", lambda _: {"DBInstances": [{"MasterUserSecret": {"SecretStatus": "active"}}]})
            done = env.run("owner")
            self.assertEqual(done.code, 0, done)
            [change] = env.account.made("rds", "modify-db-instance")
            self.assertEqual(change, {"DBInstanceIdentifier": "arches-small", "RotateMasterUserPassword": True, "ApplyImmediately": True})

    def test_password_of_the_owner_that_does_not_work_is_no_success(self) -> None:
        with Environment() as env:
            env.account.on("rds", "modify-db-cluster", lambda _: {} if env.vault.client.put_secret_value(SecretId="rds!cluster-1", SecretString="{}") else None)
            env.account.on("rds", "describe-db-clusters", lambda _: {"DBClusters": [{"MasterUserSecret": {"SecretStatus": "active"}}]})
            env.account.on("lambda", "invoke", lambda _: {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": '{"errorMessage": "password authentication failed"}'})
            done = env.run("owner")
            self.assertEqual(done.code, 1)
            self.assertIn("password authentication failed", done.err)
            self.assertNotIn("✓", done.out)


class ThirdParties(unittest.TestCase):
    def test_new_value_comes_from_standard_input_and_the_other_members_stay(self) -> None:
        for words, name, expected in (
            (["model"], "model", {"key": "sk-new-value"}),
            (["monitoring", "--member", "tracingHeaders"], "monitoring", {**VALUES["monitoring"], "tracingHeaders": "sk-new-value"}),
            (["oauth", "--member", "acme"], "oauth", {**VALUES["oauth"], "acme": {**VALUES["oauth"]["acme"], "clientSecret": "sk-new-value"}}),
        ):
            with Environment() as env:
                done = env.run(*words, given="sk-new-value\n")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(env.vault[name], expected)
                self.assertIn("Then revoke the old one in", done.out)
                self.assertNotIn("sk-new-value", done.out + done.err)
                self.assertEqual([call for call in env.account.calls if "sk-new-value" in " ".join(call.words)], [])

    def test_value_that_cannot_be_meant_changes_nothing(self) -> None:
        with Environment() as env:
            before = env.vault["oauth"]
            for words, value, why in (
                (["oauth", "--member", "google"], "", "the value is empty"),
                (["oauth", "--member", "google"], "old-g\n", "the value that the secret has already"),
                (["oauth", "--member", "google"], "a\x1b[31mb\n", "a control character"),
                (["oauth", "--member", "google"], "a" * 16385, "more than 16384 characters"),
                (["oauth", "--member", "github"], "new\n", "no github in it: add --member acme or google"),
                (["oauth"], "new\n", "which member?: add --member acme or google"),
                (["monitoring", "--member", "unused"], "new\n", "no unused in it"),
            ):
                done = env.run(*words, given=value)
                self.assertEqual(done.code, 1, words)
                self.assertIn(why, done.err)
            self.assertEqual(env.vault["oauth"], before)
            self.assertEqual(env.account.made("secretsmanager", "put-secret-value"), [])


    def test_value_that_is_typed_at_a_terminal_is_not_shown(self) -> None:
        with Environment() as env:
            command = env.account.command("rotate", "model", "--environment", "staging")
            child, terminal = pty.fork()
            if not child:
                os.execve(command[0], command, env.account.variables())
            shown = b""
            for question, answer in ((b"Type the name of the environment to go on (staging): ", b"staging\n"), (b"New value of key: ", b"sk-typed\n"), (b"Then revoke the old one", b"")):
                while question not in shown:
                    shown += os.read(terminal, 4096)
                os.write(terminal, answer)
            os.close(terminal)
            os.waitpid(child, 0)
            self.assertEqual(env.vault["model"], {"key": "sk-typed"})
            self.assertNotIn(b"sk-typed", shown)


class Smoke(unittest.TestCase):
    def test_account_and_secret_get_the_same_password(self) -> None:
        with Environment() as env:
            done = env.run("smoke")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(env.vault["smoke"], {**VALUES["smoke"], "password": env.password})
            self.assertNotEqual(env.password, VALUES["smoke"]["password"])

    def test_interrupted_change_is_finished_by_the_next_run_whether_the_account_was_changed_or_not(self) -> None:
        for stopped in (1, 2):
            with Environment() as env:
                refuse_nth_write(env.account, stopped)
                self.assertEqual(env.run("smoke").code, 1)
                done = env.run("smoke")
                self.assertEqual(done.code, 0, done)
                self.assertEqual(env.vault["smoke"]["password"], env.password)

    def test_account_with_an_unknown_password_is_left_alone(self) -> None:
        with Environment() as env:
            env.password = "somebody else's"
            done = env.run("smoke")
            self.assertEqual(done.code, 1)
            self.assertIn("docs/operations/smoke.md", done.err)
            self.assertEqual(env.vault["smoke"], VALUES["smoke"])

    def test_second_change_makes_another_password(self) -> None:
        with Environment() as env:
            self.assertEqual(env.run("smoke").code, 0)
            first = env.password
            self.assertEqual(env.run("smoke").code, 0)
            self.assertNotEqual(env.password, first)
            self.assertEqual(env.vault["smoke"]["password"], env.password)


class Secrecy(unittest.TestCase):
    def test_no_secret_is_a_word_of_a_command_line_or_on_the_screen(self) -> None:
        with Environment() as env:
            env.results["Retention"] = [{"sealedWithOtherKeys": 0, "resealed": 1}]
            shown = ""
            for words, given in (
                (["database"], ""),
                (["redis", "--leaked"], ""),
                (["signing-keys"], ""),
                (["signing-keys", "--leaked"], ""),
                (["auth", "--leaked"], ""),
                (["encryption", "--leaked"], ""),
                (["oauth", "--member", "google"], "sk-google-new\n"),
                (["smoke"], ""),
            ):
                done = env.run(*words, given=given)
                self.assertEqual(done.code, 0, done)
                shown += done.out + done.err
            shown += "\n".join(" ".join(call.words) for call in env.account.calls)
            values = env.vault.values()
            self.assertGreater(len(values), 20)
            self.assertEqual({value for value in values if value in shown}, set())
            self.assertIn("signing-keys: the leaked keys are removed", sentence(shown))


if __name__ == "__main__":
    unittest.main()
