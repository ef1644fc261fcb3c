//! Queues and the reports of SES, and the mutations that show that the rules notice.

use serde_json::json;

use crate::{assert_no_problems, rules, template, template::Template, text};

#[track_caller]
fn assert_noticed(problems: &[String], about: &str) {
    assert!(problems.iter().any(|problem| problem.contains(about)), "{about} is not in {problems:?}");
}

fn handles(app: &Template) -> Vec<String> {
    rules::handles_each_message_of_a_queue(app, &data())
}

fn data() -> Template {
    Template::read(&text("infra/stacks/data.yaml"))
}

#[test]
fn every_queue_returns_failed_messages_and_notifies() {
    assert_no_problems(&handles(&template()));
}

#[test]
fn bounces_and_complaints_of_every_mail_are_reported() {
    assert_no_problems(&rules::reports_bounces_and_complaints(&template()));
}

#[test]
fn broken_queue_is_noticed() {
    let event = "/Resources/MailEvents/Properties/Events/Messages/Properties";
    let queue = "/Resources/MailEventsQueue/Properties";
    for (pointer, about) in [
        (format!("{event}/FunctionResponseTypes"), "returns its whole batch"),
        (format!("{event}/ScalingConfig"), "than its concurrency allows"),
        (format!("{queue}/VisibilityTimeout"), "delivered again"),
        (format!("{queue}/SqsManagedSseEnabled"), "not encrypted"),
        (format!("{queue}/RedrivePolicy"), "no encrypted dead letters"),
        ("/Resources/MailEventsDeadLetters/Properties/SqsManagedSseEnabled".to_owned(), "dead letters"),
        ("/Resources/MailEventsDeadLetters/Properties/MessageRetentionPeriod".to_owned(), "dead letters"),
        ("/Resources/MailEventsLate".to_owned(), "age of its messages"),
        ("/Resources/MailEventsLate/Properties/AlarmActions".to_owned(), "age of its messages"),
        ("/Resources/MailEventsFailed".to_owned(), "alarm about its dead letters"),
    ] {
        let broken = template().without(&pointer);
        assert_noticed(&handles(&broken), about);
    }
    for (pointer, value, about) in [
        (format!("{queue}/VisibilityTimeout"), json!(359), "delivered again"),
        (format!("{queue}/RedrivePolicy/maxReceiveCount"), json!(1), "dead letters"),
        ("/Resources/MailEventsLate/Properties/Threshold".to_owned(), json!(601), "age of its messages"),
        ("/Resources/MailEvents/Properties/Timeout".to_owned(), json!(120), "delivered again"),
        (format!("{event}/ScalingConfig/MaximumConcurrency"), json!(3), "concurrency"),
    ] {
        let broken = template().with(&pointer, value);
        assert_noticed(&handles(&broken), about);
    }
}

#[test]
fn broken_queue_of_artifacts_is_noticed() {
    let events = "/Resources/Index/Properties/Events";
    for (pointer, about) in [
        ("/Resources/ExtractLate", "Extract: no alarm about the age"),
        ("/Resources/ExtractFailed", "Extract: no alarm about its dead letters"),
        ("/Resources/IndexFailed", "Index: no alarm about its dead letters"),
        ("/Resources/ExtractDeadLettersLate", "Index: no alarm about the age"),
        ("/Resources/IndexDeadLettersLate", "Index: no alarm about the age"),
        (
            "/Resources/IndexDeadLetters/Properties/MessageRetentionPeriod",
            "Index: its queue has no encrypted",
        ),
    ] {
        assert_noticed(&handles(&template().without(pointer)), about);
    }
    for (pointer, value, about) in [
        (format!("{events}/Messages/Properties/ScalingConfig/MaximumConcurrency"), json!(11), "concurrency"),
        (
            format!("{events}/ExtractDeadLetters/Properties/Queue"),
            json!({"Ref": "Uploads"}),
            "does not exist",
        ),
        (
            "/Resources/Extract/Properties/Timeout".to_owned(),
            json!(121),
            "Extract: a message can be delivered",
        ),
    ] {
        assert_noticed(&handles(&template().with(&pointer, value)), about);
    }
    for (pointer, value, about) in [
        (
            "ExtractQueue/Properties/RedrivePolicy/maxReceiveCount",
            json!(1),
            "Extract: its queue has no encrypted",
        ),
        (
            "ExtractDeadLetters/Properties/MessageRetentionPeriod",
            json!(600),
            "Extract: its queue has no encrypted",
        ),
        ("ExtractQueue/Properties/SqsManagedSseEnabled", json!(false), "Extract: its queue is not encrypted"),
        ("ExtractDeadLetters/Properties/VisibilityTimeout", json!(30), "Index: a message can be delivered"),
    ] {
        let broken = data().with(&format!("/Resources/{pointer}"), value);
        assert_noticed(&rules::handles_each_message_of_a_queue(&template(), &broken), about);
    }
}

#[test]
fn mail_that_bounces_unnoticed_is_noticed() {
    let destination = "/Resources/MailReports/Properties/EventDestination";
    let topic = "/Resources/MailEventsTopicPolicy/Properties/PolicyDocument/Statement/0";
    for (pointer, about) in [
        (format!("{destination}/Enabled"), "MailReports"),
        (format!("{topic}/Condition"), "MailEventsTopicPolicy"),
        (format!("{topic}/Condition/StringEquals/aws:SourceArn"), "MailEventsTopicPolicy"),
        (
            "/Resources/MailEventsQueuePolicy/Properties/PolicyDocument/Statement/0/Condition".to_owned(),
            "MailEventsQueuePolicy",
        ),
        ("/Resources/MailEventsSubscription/Properties/RawMessageDelivery".to_owned(), "envelope"),
        ("/Globals/Function/Environment/Variables/MAIL_CONFIGURATION_SET".to_owned(), "Auth"),
        ("/Resources/MailBounces".to_owned(), "BounceRate"),
        ("/Resources/MailComplaints".to_owned(), "ComplaintRate"),
    ] {
        assert_noticed(&rules::reports_bounces_and_complaints(&template().without(&pointer)), about);
    }
    let sends = json!({"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "arn:aws:ses:eu-west-1:1:identity/a"});
    let broken =
        template().with("/Resources/DocsRole/Properties/Policies/0/PolicyDocument/Statement/-", sends);
    assert_noticed(&rules::reports_bounces_and_complaints(&broken), "Docs");
    let broken = template().with(&format!("{destination}/MatchingEventTypes"), json!(["bounce"]));
    assert_noticed(&rules::reports_bounces_and_complaints(&broken), "MailReports");
    let anyone =
        json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish", "Resource": "x"});
    let broken = template().with(&topic.replace("/0", "/-"), anyone);
    assert_noticed(&rules::reports_bounces_and_complaints(&broken), "MailEventsTopicPolicy");
}
