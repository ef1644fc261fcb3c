"""infra/ops status, id, invoke, and the errors that every command has."""

import datetime
import json
import os
import subprocess
import tempfile
import unittest

from account import Account, Done, Site
from environments import App, ready, sentence

STACKS = ("network", "data", "observability", "edge")


def deploy(account: Account, site: Site) -> App:
    app = App(account, site, functions=["auth", "recovery-points"])
    for stack in STACKS:
        account.add_stack(stack)
    return app


class Status(unittest.TestCase):
    def test_healthy_environment_is_shown_with_its_versions(self) -> None:
        with Account() as account, ready() as site:
            app = deploy(account, site)
            app.queue("FailedJobs")
            measured = {"Namespace": "Arches", "MetricData": [self.age(app, "LastBackupAge", 5400)]}
            account.client("cloudwatch").put_metric_data(**measured)
            done = account.run("status")
            self.assertEqual(done.code, 0, done)
            text = sentence(done.out)
            for part in ("arches-staging-app CREATE_COMPLETE", "Auth 2 (v2)", "none is in ALARM", "backup: 90 min", "FailedJobs 0 0", "verified backup: not measured", "200"):
                self.assertIn(part, text)

    def age(self, app: App, metric: str, seconds: float) -> dict:
        dimensions = [{"Name": "function", "Value": app.names["RecoveryPoints"]}]
        moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)
        return {"MetricName": metric, "Dimensions": dimensions, "Value": seconds, "Timestamp": moment}

    def test_alarm_is_shown_with_its_runbook_and_those_of_others_are_not(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            cloudwatch = account.client("cloudwatch")
            for name in ("arches-staging-app-ApiSlow-1", "arches-production-app-ApiSlow-1"):
                cloudwatch.put_metric_alarm(
                    AlarmName=name, AlarmDescription="Slow. See docs/runbooks/api-slow.md", Namespace="Arches", MetricName="Duration", Statistic="Sum",
                    Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
                )
                cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
            done = account.run("status")
            self.assertEqual(done.code, 1)
            self.assertIn("docs/runbooks/api-slow.md", done.out)
            # moto ignores the state if there is a prefix.
            self.assertEqual(account.made("cloudwatch", "describe-alarms")[0]["StateValue"], "ALARM")
            self.assertNotIn("production", done.out)

    def test_dead_letters_canaries_and_an_api_that_is_not_ready_are_shown(self) -> None:
        with Account() as account, Site({"/ready": (503, {"status": "unavailable", "database": "unavailable"})}) as site:
            app = deploy(account, site)
            app.point("Auth", 1, {"2": 0.1})
            url = app.queue("MailEventsDeadLetters")
            account.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
            done = account.run("status")
            self.assertEqual(done.code, 1)
            for part in ("Auth 1 (v1), 10 % to 2 (v2)", "MailEventsDeadLetters 1 0", "503"):
                self.assertIn(part, sentence(done.out))

    def test_part_that_may_not_be_read_is_unknown_and_the_rest_is_shown(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            account.fail("cloudwatch", "describe-alarms", "AccessDenied", "User: me is not authorized to perform: cloudwatch:DescribeAlarms")
            done = account.run("status")
            self.assertEqual(done.code, 1)
            self.assertIn("unknown: no permission for cloudwatch:DescribeAlarms", done.out)
            self.assertIn("/ready\n200", done.out)

    def test_missing_stack_is_wrong_except_edge(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            del account.stacks["arches-staging-edge"]
            self.assertEqual(account.run("status").code, 0)
            del account.stacks["arches-staging-data"]
            done = account.run("status")
            self.assertEqual(done.code, 1)
            self.assertIn("arches-staging-data does not exist", sentence(done.out))


class Id(unittest.TestCase):
    def test_resource_has_its_physical_id(self) -> None:
        with Account() as account, ready() as site:
            app = deploy(account, site)
            self.assertEqual(account.run("id", "Auth").out.strip(), app.names["Auth"])
            account.add_resource("data", "ArtifactBucket", "AWS::S3::Bucket", "bucket-1")
            self.assertIn("ArtifactBucket AWS::S3::Bucket bucket-1", sentence(account.run("id", "--stack", "data").out))
            done = account.run("id", "Nothing")
            self.assertEqual((done.code, done.err), (1, "✗ the stack arches-staging-app has no resource Nothing\n"))


class Invoke(unittest.TestCase):
    def test_live_version_runs_once_with_the_payload_and_its_answer_is_printed(self) -> None:
        with Account() as account, ready() as site:
            app = deploy(account, site)
            account.on("lambda", "invoke", lambda given: {"StatusCode": 200, "Payload": json.dumps({"got": json.loads(given["Payload"])})})
            done = account.run("invoke", "recovery-points", "-", given='{"secret": "x7q"}')
            self.assertEqual((done.code, json.loads(done.out)), (0, {"got": {"secret": "x7q"}}), done)
            (call,) = [call for call in account.calls if call.operation == "invoke"]
            self.assertEqual(call.arguments["FunctionName"], f"{app.names['RecoveryPoints']}:live")
            # The CLI would repeat it otherwise.
            self.assertEqual(call.attempts, "1")
            self.assertNotIn("x7q", " ".join(call.words))

    def test_error_of_the_function_is_an_error(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            account.on("lambda", "invoke", lambda _: {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": '{"errorMessage": "database unavailable"}'})
            done = account.run("invoke", "auth")
            self.assertEqual(done.code, 1)
            self.assertIn("failed: database unavailable", done.err)

    def test_unknown_function_and_wrong_payload_are_refused_before_anything_runs(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            self.assertIn("no function ledger; there are: auth, recovery-points", account.run("invoke", "ledger").err)
            self.assertIn("the payload is not JSON", account.run("invoke", "auth", "{").err)
            self.assertEqual(account.made("lambda", "invoke"), [])


class Errors(unittest.TestCase):
    """What AWS and its CLI answer, and what the operator reads."""

    def answer(self, code: int, err: str, out: str = "", **variables: str) -> Done:
        """Runs `status` with an `aws` that always ends like this."""
        with tempfile.TemporaryDirectory() as folder, Account() as account:
            script = os.path.join(folder, "aws")
            with open(script, "w") as file:
                file.write(f"#!/bin/sh\ncat > /dev/null\nprintf '%s\\n' '{out}'\nprintf '%s\\n' '{err}' >&2\nexit {code}\n")
            os.chmod(script, 0o755)
            variables = {**account.variables(PATH=f"{folder}:/usr/bin:/bin"), **variables}
            done = subprocess.run(account.command("id", "Auth", "--environment", "staging"), capture_output=True, text=True, env=variables, timeout=60)
            return Done(done.returncode, done.stdout, done.stderr)

    def test_every_failure_says_what_to_do(self) -> None:
        called = "An error occurred ({}) when calling the DescribeStacks operation: {}"
        denied = "User: arn:aws:iam::1:user/me is not authorized to perform: cloudformation:DescribeStacks on resource: x"
        for text, expected in (
            ("Unable to locate credentials. You can configure credentials by running \"aws configure\".", "not signed in to AWS"),
            ("Error loading SSO Token: Token for https://x does not exist", "sign in, for example with `aws sso login`"),
            ("The config profile (staging) could not be found", "not signed in to AWS"),
            (called.format("ExpiredToken", "The security token included in the request is expired"), "not signed in to AWS"),
            (called.format("AccessDenied", denied), "no permission for cloudformation:DescribeStacks: use a role that has it"),
            (called.format("Throttling", "Rate exceeded"), "AWS limits the rate of calls (Rate exceeded): wait a minute"),
            (called.format("ValidationError", "Stack with id arches-staging-app does not exist"), "does not exist in eu-west-1: check --environment and AWS_REGION"),
            ("Could not connect to the endpoint URL: \"https://cloudformation.mars-1.amazonaws.com/\"", "AWS cannot be reached"),
            ("aws: error: Unknown options: --cli-binary-format", "install the newest version 2"),
            (called.format("InternalFailure", "a\nb"), "cloudformation:describe-stacks failed: InternalFailure: a b"),
        ):
            with self.subTest(text):
                done = self.answer(254, text)
                self.assertEqual(done.code, 1)
                self.assertIn(expected, done.err)
                self.assertNotIn("Traceback", done.err)

    def test_missing_region_and_missing_cli_are_named(self) -> None:
        done = self.answer(252, "You must specify a region. You can also configure your region by running \"aws configure\".", AWS_REGION="")
        self.assertIn("no region is set: export AWS_REGION=<region>", done.err)
        self.assertIn("the AWS CLI is missing: install version 2", self.answer(0, "", PATH="/nowhere").err)

    def test_environment_is_required_and_known(self) -> None:
        with Account() as account:
            done = subprocess.run(account.command("status"), capture_output=True, text=True, env=account.variables())
            self.assertEqual((done.returncode, "--environment" in done.stderr), (2, True))
            self.assertEqual(account.run("status", environment="mars").code, 2)
            self.assertEqual(account.calls, [])

    def test_throttled_call_is_repeated_by_the_cli(self) -> None:
        with Account() as account, ready() as site:
            deploy(account, site)
            account.run("id", "Auth")
            self.assertEqual({call.attempts for call in account.calls}, {"3"})


if __name__ == "__main__":
    unittest.main()
