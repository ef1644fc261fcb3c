"""infra/ops replay-failed: no message is lost, and none is handled by mistake."""

import json
import os
import signal
import subprocess
import unittest

from account import Account, Site
from environments import App, functions_arn

YES = ("--yes", "staging")


class Jobs:
    """An app with messages in FailedJobs, whose functions answer or fail."""

    def __init__(self, account: Account) -> None:
        self.app = App(account, Site({}).__enter__(), functions=["backup", "retention", "mail-events", "index", "extract", "observe"])
        self.sqs, self.url = account.client("sqs"), self.app.queue("FailedJobs")
        self.account, self.ran, self.broken = account, [], False
        account.on("lambda", "invoke", self.invoke)

    def invoke(self, given: dict) -> dict:
        if self.broken:
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": '{"errorMessage": "disk is full"}'}
        self.ran.append((given["FunctionName"], json.loads(given["Payload"])))
        return {"StatusCode": 200, "Payload": '{"done": true}'}

    def fails(self, function: str, payload: dict) -> None:
        body = {
            "requestContext": {"functionArn": functions_arn(self.app.names[function]), "condition": "RetriesExhausted"},
            "requestPayload": payload,
            "responsePayload": {"errorMessage": "database unavailable"},
        }
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    def waiting(self) -> int:
        """Returns how many messages a reader would see now."""
        return int(self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]["ApproximateNumberOfMessages"])


class Replay(unittest.TestCase):
    def test_failed_run_leaves_every_message_in_the_queue(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            jobs.fails("Backup", {})
            jobs.fails("Retention", {})
            jobs.broken = True
            done = account.run("replay-failed", "backup", *YES)
            self.assertEqual(done.code, 1)
            self.assertIn("disk is full. Its messages stay in the queue", done.err)
            self.assertEqual(jobs.waiting(), 2)

    def test_job_runs_once_per_input_and_only_its_messages_are_deleted(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            for payload in ({}, {}, {"task": "artifacts"}):
                jobs.fails("Retention", payload)
            for _ in range(12):  # more than one receive returns
                jobs.fails("Backup", {})
            done = account.run("replay-failed", "retention", *YES)
            self.assertEqual(done.code, 0, done)
            live = f"{jobs.app.names['Retention']}:live"
            self.assertEqual(sorted(jobs.ran, key=str), [(live, {"task": "artifacts"}), (live, {})])
            self.assertEqual(jobs.waiting(), 12)
            self.assertIn("failed 2 times, last with: database unavailable", done.out)
            self.assertIn("No failed invocation of retention is waiting", account.run("replay-failed", "retention", *YES).out)
            self.assertEqual(jobs.waiting(), 12)

    def test_nothing_runs_and_nothing_is_hidden_without_the_answer(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            jobs.fails("Backup", {})
            done = account.run("replay-failed", "backup")
            self.assertIn("there is no terminal to ask", done.err)
            self.assertEqual((done.code, jobs.ran, jobs.waiting()), (1, [], 1))

    def test_interruption_shows_the_messages_again(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            jobs.fails("Backup", {})

            def interrupt(given: dict) -> dict:
                os.kill(running.pid, signal.SIGINT)
                return jobs.invoke(given)

            account.on("lambda", "invoke", interrupt)
            command = account.command("replay-failed", "backup", *YES, "--environment", "staging")
            running = subprocess.Popen(command, env=account.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            _, errors = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 1, errors)
            self.assertEqual(jobs.waiting(), 1)

    def test_unreadable_and_foreign_messages_stay(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            for body in ("no JSON", "[]", '{"requestContext": null}', "{}"):
                jobs.sqs.send_message(QueueUrl=jobs.url, MessageBody=body)
            self.assertEqual(account.run("replay-failed", "backup", *YES).code, 0)
            self.assertEqual(jobs.waiting(), 4)

    def test_run_of_a_deployment_that_has_ended_is_not_repeated_but_can_be_discarded(self) -> None:
        with Account() as account:
            jobs = Jobs(account)
            jobs.fails("Backup", {"RequestType": "Update", "ResponseURL": "https://example.org"})
            done = account.run("replay-failed", "backup", *YES)
            self.assertIn("belonged to a deployment that has ended", done.err)
            self.assertEqual((done.code, jobs.waiting()), (1, 1))
            self.assertEqual(account.run("replay-failed", "backup", "--discard", *YES).code, 0)
            self.assertEqual((jobs.ran, jobs.waiting()), ([], 0))

    def test_receive_is_never_repeated_by_the_cli(self) -> None:
        with Account() as account:
            Jobs(account)
            account.run("replay-failed", "backup", *YES)
            self.assertEqual({call.attempts for call in account.calls if call.operation == "receive-message"}, {"1"})


class DeadLetters(unittest.TestCase):
    def prepare(self, account: Account) -> Jobs:
        jobs = Jobs(account)
        jobs.dead = jobs.app.queue("MailEventsDeadLetters")
        jobs.sqs.send_message_batch(QueueUrl=jobs.dead, Entries=[{"Id": str(index), "MessageBody": "{}"} for index in range(3)])
        jobs.tasks, jobs.looks = [], 0
        account.on("sqs", "start-message-move-task", lambda given: jobs.tasks.append({**given, "Status": "RUNNING"}))
        account.on("sqs", "list-message-move-tasks", lambda given: self.look(jobs, given))
        return jobs

    def look(self, jobs: Jobs, given: dict) -> dict:
        jobs.looks += 1
        if jobs.tasks and jobs.looks > 4:
            jobs.tasks[-1].update(Status=getattr(jobs, "end", "COMPLETED"), ApproximateNumberOfMessagesMoved=3, ApproximateNumberOfMessagesToMove=3)
        return {"Results": [one for one in reversed(jobs.tasks) if one["SourceArn"] == given["SourceArn"]][:1]}

    def test_dead_letters_go_back_to_their_queue(self) -> None:
        with Account() as account:
            jobs = self.prepare(account)
            done = account.run("replay-failed", "mail-events", *YES)
            self.assertEqual(done.code, 0, done)
            self.assertIn("moved 3 of about 3", done.out)
            self.assertEqual([one["SourceArn"].rsplit(":", 1)[-1] for one in jobs.tasks], ["MailEventsDeadLetters-1"])

    def test_move_in_progress_is_followed_and_not_started_twice(self) -> None:
        with Account() as account:
            jobs = self.prepare(account)
            arn = jobs.sqs.get_queue_attributes(QueueUrl=jobs.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            jobs.tasks.append({"SourceArn": arn, "Status": "RUNNING"})
            self.assertEqual(account.run("replay-failed", "mail-events", *YES).code, 0)
            self.assertEqual(len(jobs.tasks), 1)

    def test_move_that_fails_is_an_error(self) -> None:
        with Account() as account:
            jobs = self.prepare(account)
            jobs.end = "FAILED"
            done = account.run("replay-failed", "mail-events", *YES)
            self.assertEqual(done.code, 1)
            self.assertIn("What was not moved is still in the queue", done.err)

    def test_nothing_to_move_asks_nothing(self) -> None:
        with Account() as account:
            jobs = self.prepare(account)
            jobs.sqs.purge_queue(QueueUrl=jobs.dead)
            done = account.run("replay-failed", "mail-events")
            self.assertEqual((done.code, done.out), (0, "No dead letter is waiting.\n"))

    def test_dead_letters_that_index_reads_have_nothing_to_replay(self) -> None:
        with Account() as account:
            self.prepare(account)
            for name in ("extract", "index"):
                done = account.run("replay-failed", name, *YES)
                self.assertEqual(done.code, 1)
                self.assertIn("nothing is left to replay", done.err)
            account.fail("sqs", "start-message-move-task", "UnsupportedOperation", "no")
            self.assertIn("UnsupportedOperation", account.run("replay-failed", "mail-events", *YES).err)


if __name__ == "__main__":
    unittest.main()
