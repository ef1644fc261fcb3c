"""infra/ops rollback: a whole release, without a build."""

import os
import signal
import subprocess
import unittest

from account import Account, Site
from environments import FUNCTIONS, App, logical, ready, sentence

YES = ("rollback", "--yes", "staging")
FEW = ["auth", "rotate-keys", "users"]


class Rollback(unittest.TestCase):
    def test_every_function_of_the_app_goes_back_to_the_release_before(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site)
            done = account.run(*YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(app.live(), {logical(name): "v1" for name in FUNCTIONS})
            self.assertIn("RotateKeys 2 (v2) 1 (v1) moved", sentence(done.out))
            self.assertIn("/ready: 200", done.out)

    def test_second_rollback_changes_nothing_more(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, ("v1", "v2", "v3"), FEW)
            self.assertEqual(account.run(*YES).code, 0)
            account.calls.clear()
            done = account.run(*YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(set(app.live().values()), {"v2"})
            self.assertEqual(account.made("lambda", "update-alias"), [])

    def test_next_rollback_does_not_stop_at_a_release_that_was_rolled_back_before(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, ("good", "bad"), FEW)
            account.run(*YES)
            app.release("worse")
            done = account.run(*YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(set(app.live().values()), {"good"})

    def test_interrupted_rollback_is_finished_by_the_next_one(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FUNCTIONS[:12])
            moved = []

            def interrupt(given: dict) -> dict:
                moved.append(given)
                if len(moved) == 4:
                    os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C does
                return account.moto("lambda", "update-alias", given)

            account.on("lambda", "update-alias", interrupt)
            command = account.command(*YES, "--environment", "staging")
            running = subprocess.Popen(command, env=account.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
            _, errors = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 1)
            self.assertIn("interrupted: run the same command again", errors)
            self.assertNotIn("Traceback", errors)
            self.assertEqual(set(app.live().values()), {"v1", "v2"})
            self.assertEqual(account.run(*YES).code, 0)
            self.assertEqual(set(app.live().values()), {"v1"})

    def test_function_that_cannot_be_moved_is_named_and_the_others_move(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FEW)
            message = "User: me is not authorized to perform: lambda:UpdateAlias on resource: auth"
            account.fail("lambda", "update-alias", "AccessDeniedException", message, lambda given: "Auth" in given["FunctionName"])
            done = account.run(*YES)
            self.assertEqual(done.code, 1)
            self.assertEqual(app.live(), {"Auth": "v2", "RotateKeys": "v1", "Users": "v1"})
            self.assertIn("Auth was not moved: no permission for lambda:UpdateAlias", done.err)
            self.assertIn("NOT MOVED", done.out)

    def test_canary_and_the_update_of_the_stack_are_stopped_first(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FEW)
            stack = account.stacks["arches-staging-app"]
            stack["StackStatus"] = "UPDATE_IN_PROGRESS"
            account.on("cloudformation", "cancel-update-stack", lambda _: stack.update(StackStatus="UPDATE_ROLLBACK_IN_PROGRESS"))
            # CodeDeploy shifts a tenth to the new version.
            app.point("Auth", 1, {"2": 0.1})
            deployment = app.deploy_canary("Auth")
            looks = []

            def describe(given: dict) -> dict:
                looks.append(given)
                if stack["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS" and len(looks) > 4:
                    stack["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
                    app.point("Users", 2)  # the undone update moves a function elsewhere
                return account._describe_stacks(given)

            account.on("cloudformation", "describe-stacks", describe)
            done = account.run(*YES)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(set(app.live().values()), {"v1"})
            self.assertIn("Auth 1 (v1), 10 % to 2 (v2) 1 (v1) moved", sentence(done.out))
            order = [f"{call.service} {call.operation}" for call in account.calls]
            first = [order.index(one) for one in ("cloudformation cancel-update-stack", "deploy stop-deployment", "lambda update-alias")]
            self.assertEqual(first, sorted(first))
            self.assertEqual(account.made("deploy", "stop-deployment"), [{"deploymentId": deployment, "autoRollbackEnabled": True}])

    def test_deployments_of_other_applications_go_on(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FEW)
            account.on("deploy", "list-deployments", lambda _: {"deployments": ["d-other"]})
            account.on("deploy", "batch-get-deployments", lambda _: {"deploymentsInfo": [{"deploymentId": "d-other", "applicationName": "another"}]})
            done = account.run(*YES)
            self.assertEqual((done.code, set(app.live().values())), (0, {"v1"}), done)
            self.assertEqual(account.made("deploy", "stop-deployment"), [])

    def test_release_is_moved_although_nothing_else_is_permitted(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FEW)
            for service, operation in (("deploy", "list-deployments"), ("ssm", "put-parameter")):
                account.fail(service, operation, "AccessDeniedException", f"not authorized to perform: {service}:{operation}")
            done = account.run(*YES)
            self.assertEqual(set(app.live().values()), {"v1"})
            self.assertEqual(done.code, 1)
            self.assertIn("deployments were not stopped: no permission for deploy:list-deployments", done.err)
            self.assertIn("not remembered, so name the release at the next rollback", done.err)

    def test_older_release_is_reached_by_its_name_and_newer_functions_stay(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, ("v1", "v2"), FEW)
            app.functions = ["search"]
            role = account.client("iam").get_role(RoleName="any")["Role"]["Arn"]
            app._create("search", role, ("v3",))
            for function in ("Auth", "RotateKeys", "Users"):
                app.publish(function, "v3")
                app.point(function, 3)
            done = account.run(*YES, "--to", "v1")
            self.assertEqual(done.code, 0, done)
            self.assertEqual(app.live(), {"Auth": "v1", "RotateKeys": "v1", "Users": "v1", "Search": "v3"})
            self.assertIn("unchanged: it is newer than v1", done.out)
            unknown = account.run(*YES, "--to", "v0")
            self.assertEqual(unknown.code, 1)
            self.assertIn("no function has a version of v0; there are: v3, v2, v1", unknown.err)

    def test_only_release_has_none_before_it(self) -> None:
        with Account() as account, ready() as site:
            App(account, site, ("v1",), FEW)
            done = account.run(*YES)
            self.assertEqual(done.code, 1)
            self.assertIn("there is no older release", done.err)

    def test_nothing_moves_without_the_right_answer(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, functions=FEW)
            for words, why in ((("rollback",), "no terminal to ask; add --yes staging"), (("rollback", "--yes", "production"), "--yes names production")):
                done = account.run(*words)
                self.assertEqual(done.code, 1)
                self.assertIn(why, done.err)
            self.assertEqual(set(app.live().values()), {"v2"})

    def test_api_that_is_not_ready_afterwards_is_a_failure(self) -> None:
        answers = iter([(503, {"status": "unavailable"})])
        with Account() as account, Site(lambda *_: next(answers, (200, {}))) as site:
            App(account, site, functions=FEW)
            self.assertEqual(account.run(*YES).code, 0)  # it is asked again
        with Account() as account:
            with Site({}) as site:
                App(account, site, functions=FEW)
            done = account.run(*YES, OPS_READY_SECONDS="0")
            self.assertEqual(done.code, 1)
            self.assertIn("/ready does not answer 200: docs/runbooks/api-failures.md", done.err)

    def test_console_goes_back_with_its_release(self) -> None:
        with Account() as account, ready() as site:
            app = App(account, site, ("v1",), FEW)
            s3 = account.client("s3")
            s3.create_bucket(Bucket="site", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            s3.put_bucket_versioning(Bucket="site", VersioningConfiguration={"Status": "Enabled"})
            account.add_stack("edge", outputs={"SiteBucket": "site"})

            def upload(release: str) -> None:
                s3.put_object(Bucket="site", Key=f"static/{release}.js", Body=release.encode())
                s3.put_object(Bucket="site", Key="index.html", Body=f"loads {release}".encode(), CacheControl="no-cache")

            def list_versions(given: dict) -> dict:
                found = account.moto("s3api", "list-object-versions", given)
                for version in found["Versions"]:
                    # The tests' releases follow each other within a second, of which S3 knows no fraction.
                    version["LastModified"] = version["LastModified"].replace(year=2000 if version["VersionId"] in first else 2100)
                return found

            account.on("s3api", "list-object-versions", list_versions)
            upload("v1")
            first = [one["VersionId"] for one in s3.list_object_versions(Bucket="site")["Versions"]]
            app.release("v2")
            upload("v2")
            for _ in range(2):
                done = account.run(*YES)
                self.assertEqual(done.code, 0, done)
                file = s3.get_object(Bucket="site", Key="index.html")
                self.assertEqual((file["Body"].read(), file["CacheControl"]), (b"loads v1", "no-cache"))
            self.assertEqual(len(account.made("s3api", "copy-object")), 1)
            self.assertEqual(s3.get_object(Bucket="site", Key="static/v2.js")["Body"].read(), b"v2")


if __name__ == "__main__":
    unittest.main()
