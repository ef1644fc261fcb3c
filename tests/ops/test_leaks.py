"""infra/ops rotate --leaked: keys that somebody has read are removed, and what works is never broken on the way."""

import json
import unittest
from datetime import timedelta

from vault import Environment, key_id, now, refuse_nth_write, text

MEMBERS = {"auth": "refreshSecret", "encryption": "key"}


def ids(env: Environment, name: str) -> list[str]:
    """Returns the ids of the keys of a secret, the current one first."""
    if name == "signing-keys":
        return [key["kid"] for key in sorted(env.vault[name]["keys"], key=lambda key: key["status"] != "current")]
    return [key_id(word, name == "encryption") for word in env.vault[name][MEMBERS[name]].split(",")]


def published(env: Environment) -> set[str]:
    return {key["kid"] for key in env.vault["verification-keys"]["keys"]}


def resealed(env: Environment) -> None:
    env.results["Retention"] = [{"sealedWithOtherKeys": 3, "resealed": 500}, {"sealedWithOtherKeys": 0, "resealed": 3}] * 3


class WholeSecret(unittest.TestCase):
    def test_no_key_that_was_in_the_secret_is_left_and_a_current_and_a_next_one_are(self) -> None:
        for name in ("signing-keys", "auth", "encryption"):
            with Environment() as env:
                resealed(env)
                before = set(ids(env, name))
                done = env.run(name, "--leaked")
                self.assertEqual(done.code, 0, done)
                after = ids(env, name)
                self.assertEqual((len(after), before & set(after)), (2, set()))
                self.assertEqual(env.vault.tags(name), {})
                self.assertIn("accept the leaked keys until", done.out)

    def test_key_that_signs_is_published_at_every_moment(self) -> None:
        with Environment() as env:
            written = []

            def put(given: dict) -> dict:
                answer = env.vault._put(given)
                current = ids(env, "signing-keys")[0]
                written.append(current in published(env))
                return answer

            env.account.on("secretsmanager", "put-secret-value", put)
            self.assertEqual(env.run("signing-keys", "--leaked").code, 0)
            self.assertGreaterEqual(len(written), 3)
            self.assertTrue(all(written), written)
            self.assertEqual(published(env), set(ids(env, "signing-keys")))

    def test_nothing_private_is_published(self) -> None:
        with Environment() as env:
            self.assertEqual(env.run("signing-keys", "--leaked").code, 0)
            for key in env.vault["verification-keys"]["keys"]:
                self.assertEqual(set(key), {"kty", "crv", "alg", "use", "kid", "x"})

    def test_command_waits_until_the_api_publishes_no_leaked_key(self) -> None:
        with Environment() as env:
            old, looks = env.vault["verification-keys"], []

            def answer(method: str, path: str, body: bytes):
                if path == "/.well-known/jwks.json":
                    looks.append(path)
                    return 200, old if len(looks) < 4 else env.vault["verification-keys"]
                return 200, {}

            env.site.answers = answer
            done = env.run("signing-keys", "--leaked")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(len(looks), 4)

    def test_leak_is_not_forgotten_while_the_api_still_publishes_the_key(self) -> None:
        with Environment() as env:
            old = env.vault["verification-keys"]
            env.site.answers = lambda method, path, body: (200, old if "jwks" in path else {})
            done = env.run("signing-keys", "--leaked")
            self.assertEqual(done.code, 1)
            self.assertIn("run the same command again in five minutes", done.err)
            self.assertIn("leaked", env.vault.tags("signing-keys"))
            self.assertNotIn("✓", done.out)

    def test_session_secret_leaks_with_the_refresh_keys(self) -> None:
        with Environment() as env:
            before = env.vault["auth"]["sessionSecret"]
            done = env.run("auth", "--leaked")
            self.assertEqual(done.code, 0, done)
            self.assertNotEqual(env.vault["auth"]["sessionSecret"], before)
            self.assertIn("recovery codes become invalid", done.err)

    def test_seeds_are_encrypted_again_before_a_leaked_encryption_key_is_removed(self) -> None:
        with Environment() as env:
            resealed(env)
            before, seen = set(ids(env, "encryption")), []
            invoke = env.account.handlers["lambda", "invoke"]

            def retention(given: dict) -> dict:
                found = ids(env, "encryption")
                seen.append((found[0] in before, before <= set(found)))
                return invoke(given)

            env.account.on("lambda", "invoke", retention)
            done = env.run("encryption", "--leaked")
            self.assertEqual(done.code, 0, done)
            # Each run had a new current key, and the leaked keys that open what is stored.
            self.assertEqual(seen, [(False, False), (False, False)])
            self.assertIn("then no instance encrypts with a leaked key", done.err)

    def test_failed_encryption_of_seeds_leaves_the_keys_that_open_them(self) -> None:
        with Environment() as env:
            current = ids(env, "encryption")[0]
            env.account.fail("lambda", "invoke", "ServiceException", "not now")
            done = env.run("encryption", "--leaked")
            self.assertEqual(done.code, 1)
            self.assertIn(current, ids(env, "encryption"))
            self.assertIn("leaked", env.vault.tags("encryption"))

    def test_seeds_whose_key_is_gone_already_do_not_stop_the_removal(self) -> None:
        with Environment() as env:
            env.results["Retention"] = [{"sealedWithOtherKeys": 2, "resealed": 0}]
            done = env.run("encryption", "--leaked")
            self.assertEqual(done.code, 0, done)
            self.assertIn("2 seeds cannot be decrypted", done.err)


class OneKey(unittest.TestCase):
    def test_other_keys_of_the_secret_stay(self) -> None:
        for name in ("signing-keys", "auth", "encryption"):
            for place in (0, 1, 2):
                with Environment() as env:
                    resealed(env)
                    before = ids(env, name)
                    leaked = before[place]
                    done = env.run(name, "--leaked", "--key", leaked)
                    self.assertEqual(done.code, 0, done)
                    after = set(ids(env, name))
                    self.assertNotIn(leaked, after)
                    self.assertLessEqual(set(before) - {leaked}, after)
                    if name == "auth":
                        self.assertNotIn("sessionSecret, which is replaced", done.err)

    def test_known_next_key_signs_at_once_and_no_key_is_made_before(self) -> None:
        with Environment() as env:
            current = ids(env, "signing-keys")[0]
            following = next(key["kid"] for key in env.vault["signing-keys"]["keys"] if key["status"] == "next")
            self.assertEqual(env.run("signing-keys", "--leaked", "--key", current).code, 0)
            self.assertEqual(ids(env, "signing-keys")[0], following)
            self.assertEqual(env.rotation.rotated, ["signing-keys"])

    def test_unknown_key_is_refused_and_the_known_ones_are_named(self) -> None:
        with Environment() as env:
            done = env.run("auth", "--leaked", "--key", "00000000")
            self.assertEqual(done.code, 1)
            for known in ids(env, "auth"):
                self.assertIn(known, done.err)
            self.assertEqual(env.vault.tags("auth"), {})

    def test_another_leak_that_is_not_finished_is_finished_first(self) -> None:
        with Environment() as env:
            env.vault.client.tag_resource(SecretId="arches/staging/auth", Tags=[{"Key": "leaked", "Value": "key 12345678"}])
            done = env.run("auth", "--leaked", "--key", ids(env, "auth")[0])
            self.assertEqual(done.code, 1)
            self.assertIn("(key 12345678) is not finished", done.err)


class Interrupted(unittest.TestCase):
    def test_removal_that_stopped_at_any_call_is_finished_by_the_next_run(self) -> None:
        for name in ("signing-keys", "auth", "encryption"):
            stopped = 1
            while True:
                with Environment() as env:
                    resealed(env)
                    before, secret = set(ids(env, name)), env.vault[name]
                    refuse_nth_write(env.account, stopped)
                    first = env.run(name, "--leaked")
                    if first.code == 0:
                        break
                    self.assertIn("stopped here", first.err)
                    if name == "signing-keys":
                        self.assertIn(ids(env, name)[0], published(env))
                    done = env.run(name, "--leaked")
                    self.assertEqual(done.code, 0, (name, stopped, done))
                    self.assertEqual(before & set(ids(env, name)), set(), (name, stopped))
                    self.assertEqual(len(ids(env, name)), 2)
                    self.assertEqual(env.vault.tags(name), {})
                    if name == "signing-keys":
                        self.assertEqual(published(env), set(ids(env, name)))
                    if name == "auth":
                        self.assertNotEqual(env.vault[name]["sessionSecret"], secret["sessionSecret"])
                    stopped += 1
            self.assertGreater(stopped, 5, name)

    def test_planned_rotation_waits_for_the_end_of_a_leak(self) -> None:
        with Environment() as env:
            refuse_nth_write(env.account, 3)
            env.run("auth", "--leaked")
            done = env.run("auth")
            self.assertEqual(done.code, 1)
            self.assertIn("run `rotate auth --leaked` again first", done.err)

    def test_key_that_a_rotation_at_the_same_time_brings_back_is_noticed(self) -> None:
        with Environment() as env:
            leaked, made = next(key for key in env.vault["signing-keys"]["keys"] if key["status"] == "current"), []
            rotate = env.rotation._keys_after

            def late(document: dict) -> dict:
                made.append(document)
                after = rotate(document)
                return {"keys": [*after["keys"], {**leaked, "status": "previous"}]} if len(made) == 2 else after

            env.rotation._keys_after = late
            done = env.run("signing-keys", "--leaked")
            self.assertEqual(done.code, 1)
            self.assertIn(f"has brought {leaked['kid']} back", done.err)
            done = env.run("signing-keys", "--leaked")
            self.assertEqual(done.code, 0, done)
            self.assertNotIn(leaked["kid"], published(env))


class Values(unittest.TestCase):
    def test_secret_that_is_not_what_rotate_keys_writes_is_not_changed_and_not_quoted(self) -> None:
        for name, value in (
            ("signing-keys", "hunter2"),
            ("signing-keys", json.dumps({"keys": [{"kid": "hunter2"}]})),
            ("signing-keys", json.dumps({"keys": []})),
            ("auth", json.dumps({"other": "hunter2"})),
            ("encryption", json.dumps({"key": "hunter2!"})),
            ("encryption", json.dumps(["hunter2"])),
        ):
            with Environment() as env:
                env.vault._put({"SecretId": f"arches/staging/{name}", "SecretString": value, "VersionStages": ["AWSCURRENT"]})
                done = env.run(name, "--leaked")
                self.assertEqual(done.code, 1, (name, value))
                self.assertNotIn("hunter2", done.out + done.err)
                self.assertEqual(env.account.made("secretsmanager", "put-secret-value"), [])

    def test_secret_without_a_value_is_refused(self) -> None:
        with Environment() as env:
            env.vault.client.delete_secret(SecretId="arches/staging/auth", ForceDeleteWithoutRecovery=True)
            arn = env.vault.client.create_secret(Name="arches/staging/auth")["ARN"]
            env.vault.parameters.put_parameter(Name="/arches/staging/data/auth-secret", Value=arn, Type="String", Overwrite=True)
            done = env.run("auth", "--leaked")
            self.assertEqual(done.code, 1)
            self.assertIn("auth has no value yet: deploy the app first", done.err)

    def test_key_that_was_added_by_hand_counts_as_leaked_although_it_has_no_dates(self) -> None:
        with Environment() as env:
            document = env.vault["auth"]
            document["refreshSecret"] += ",a-word-that-a-person-has-added-here-1234"
            del document["refreshSecretDates"]
            env.vault._put({"SecretId": "arches/staging/auth", "SecretString": json.dumps(document), "VersionStages": ["AWSCURRENT"]})
            before = set(ids(env, "auth"))
            done = env.run("auth", "--leaked")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(before & set(ids(env, "auth")), set())

    def test_dates_are_read_as_the_functions_write_them(self) -> None:
        moment = now() - timedelta(days=1)
        for written in (text(moment), text(moment).replace("Z", "123Z"), moment.strftime("%Y-%m-%dT%H:%M:%SZ")):
            with Environment() as env:
                document = env.vault["signing-keys"]
                for key in document["keys"]:
                    key["published_at"] = written
                env.vault._put({"SecretId": "arches/staging/signing-keys", "SecretString": json.dumps(document), "VersionStages": ["AWSCURRENT"]})
                self.assertEqual(env.run("signing-keys", "--leaked").code, 0)


if __name__ == "__main__":
    unittest.main()
