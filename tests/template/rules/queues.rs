//! Queues that invoke a function, and their alarms.

use serde_json::{Value, json};

use super::{check_functions, problem_unless};
use crate::template::{Function, Template, each};

/// A message that fails as often becomes a dead letter.
const MIN_RECEIVES: u64 = 3;
/// The visibility timeout of a queue is this many times the timeout of its function (AWS Lambda Developer Guide, "Using Lambda with
/// Amazon SQS").
const VISIBILITY: u64 = 6;
/// The oldest message may wait this long without a notification, in seconds.
const MAX_AGE: u64 = 600;
/// A dead letter stays as long as SQS can keep it, in seconds: 14 days.
const DEAD_LETTER_RETENTION: u64 = 1_209_600;

/// Every queue of a function returns the messages of a batch that failed, keeps dead letters, and notifies about old messages and dead
/// letters.
pub fn handles_each_message_of_a_queue(template: &Template) -> Vec<String> {
    check_functions(template, |f| {
        let events = f.get("/Events").as_object().into_iter().flatten();
        let mut queues = events.filter(|(_, event)| event["Type"] == "SQS");
        queues.find_map(|(_, event)| problem(template, f, &event["Properties"]))
    })
}

fn problem(template: &Template, f: &Function<'_>, event: &Value) -> Option<String> {
    let id = event["Queue"]["Fn::GetAtt"][0].as_str().unwrap_or_default();
    let queue = template.resource(id, "AWS::SQS::Queue");
    let dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap_or_default();
    let letters = template.resource(dead, "AWS::SQS::Queue");
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let concurrency = number(&event["ScalingConfig"]["MaximumConcurrency"]);
    let receives = f.statements(template).into_iter().any(|statement| {
        let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        actions.iter().all(|action| each(&statement["Action"]).contains(&json!(action)))
            && each(&statement["Resource"]).contains(&event["Queue"])
    });
    let checks = [
        (
            each(&event["FunctionResponseTypes"]).contains(&json!("ReportBatchItemFailures")),
            "a message that fails returns its whole batch",
        ),
        (
            number(&queue["VisibilityTimeout"]) >= VISIBILITY * number(f.get("/Timeout")).max(1),
            "a message can be delivered again while it is handled",
        ),
        (queue["SqsManagedSseEnabled"] == true, "its queue is not encrypted"),
        (
            number(&queue["RedrivePolicy"]["maxReceiveCount"]) >= MIN_RECEIVES
                && letters["SqsManagedSseEnabled"] == true
                && number(&letters["MessageRetentionPeriod"]) >= DEAD_LETTER_RETENTION,
            "its queue has no encrypted dead letters that stay",
        ),
        (
            (2..=number(f.get("/ReservedConcurrentExecutions"))).contains(&concurrency),
            "its queue invokes it more often than its concurrency allows",
        ),
        (receives, "it may not receive from its queue"),
        (
            notifies(template, id, "ApproximateAgeOfOldestMessage", MAX_AGE),
            "no alarm about the age of its messages",
        ),
        (
            notifies(template, dead, "ApproximateNumberOfMessagesVisible", 0),
            "no alarm about its dead letters",
        ),
    ];
    checks.into_iter().find_map(|(good, text)| problem_unless(good, text))
}

/// Checks that an alarm notifies when `metric` of `queue` is above `most` at the latest.
fn notifies(template: &Template, queue: &str, metric: &str, most: u64) -> bool {
    template.of_type("AWS::CloudWatch::Alarm").into_iter().any(|(_, alarm)| {
        let alarm = &alarm["Properties"];
        alarm["Namespace"] == "AWS/SQS"
            && alarm["MetricName"] == metric
            && alarm["Dimensions"][0]["Value"] == json!({ "Fn::GetAtt": [queue, "QueueName"] })
            && alarm["Statistic"] == "Maximum"
            && alarm["ComparisonOperator"] == "GreaterThanThreshold"
            && alarm["Threshold"].as_u64().is_some_and(|threshold| threshold <= most)
            && alarm["AlarmActions"] == json!([{ "Ref": "AlarmTopic" }])
    })
}

/// SES reports bounces and complaints of every mail to the queue of `mail-events`, and nothing else can: the functions send with the
/// configuration set, whose events go to the topic, which only this configuration set may use, and on to the queue.
pub fn reports_bounces_and_complaints(template: &Template) -> Vec<String> {
    let property = |id: &str, of_type: &str| template.resource(id, of_type).clone();
    let allowed = |policy: &Value| -> Vec<Value> {
        let statements = each(&policy["PolicyDocument"]["Statement"]).iter();
        statements.filter(|statement| statement["Effect"] == "Allow").cloned().collect()
    };
    let events = property("MailReports", "AWS::SES::ConfigurationSetEventDestination");
    let destination = &events["EventDestination"];
    let topic = allowed(&property("MailEventsTopicPolicy", "AWS::SNS::TopicPolicy"));
    let queue = allowed(&property("MailEventsQueuePolicy", "AWS::SQS::QueuePolicy"));
    let subscription = property("MailEventsSubscription", "AWS::SNS::Subscription");
    let source = topic.first().map(|statement| statement["Condition"]["StringEquals"].clone());
    let source = source.unwrap_or_default();
    let set = source["aws:SourceArn"]["Fn::Sub"].as_str().unwrap_or_default();
    let mut problems: Vec<String> = [
        (
            each(&destination["MatchingEventTypes"]) == [json!("bounce"), json!("complaint")]
                && destination["Enabled"] == true
                && destination["SnsDestination"]["TopicARN"] == json!({ "Ref": "MailEventsTopic" }),
            "MailReports: bounces and complaints are not published",
        ),
        (
            topic.len() == 1
                && topic[0]["Principal"] == json!({ "Service": "ses.amazonaws.com" })
                && source["aws:SourceAccount"] == json!({ "Ref": "AWS::AccountId" })
                && set.ends_with(":configuration-set/arches-${Environment}"),
            "MailEventsTopicPolicy: others than SES for this environment can publish",
        ),
        (
            queue.len() == 1
                && queue[0]["Condition"]["ArnEquals"]["aws:SourceArn"] == json!({ "Ref": "MailEventsTopic" }),
            "MailEventsQueuePolicy: others than the topic can send",
        ),
        (
            subscription["RawMessageDelivery"] == true && subscription["Protocol"] == "sqs",
            "MailEventsSubscription: the function gets the envelope of SNS",
        ),
    ]
    .into_iter()
    .filter_map(|(good, text)| problem_unless(good, text))
    .collect();
    problems.extend(check_functions(template, |f| {
        let statements = f.statements(template).into_iter();
        let mut sending = statements.filter(|s| each(&s["Action"]).contains(&json!("ses:SendEmail")));
        let with_set = sending.all(|statement| {
            let resources = Value::from(each(&statement["Resource"]).to_vec()).to_string();
            resources.contains("configuration-set/${MailConfiguration}")
        });
        let set = f.environment().get("MAIL_CONFIGURATION_SET").copied()
            == Some(&json!({ "Ref": "MailConfiguration" }));
        problem_unless(with_set && set, "its mails bounce unnoticed")
    }));
    let rates = [("Reputation.BounceRate", 0.05), ("Reputation.ComplaintRate", 0.001)];
    problems.extend(rates.into_iter().filter_map(|(metric, most)| {
        let alarms = template.of_type("AWS::CloudWatch::Alarm").into_iter();
        let good = alarms.into_iter().any(|(_, alarm)| {
            let alarm = &alarm["Properties"];
            alarm["Namespace"] == "AWS/SES"
                && alarm["MetricName"] == metric
                && alarm["Threshold"].as_f64().is_some_and(|threshold| threshold <= most)
        });
        problem_unless(good, &format!("no alarm about {metric}"))
    }));
    problems
}
