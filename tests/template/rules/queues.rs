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

/// The queues that the app uses: its own, and those that the data stack publishes.
struct Queues<'a> {
    app: &'a Template,
    data: &'a Template,
}

/// A queue, and how alarms of the app name it.
struct Queue<'a> {
    id: &'a str,
    properties: &'a Value,
    name: Value,
}

impl<'a> Queues<'a> {
    /// Returns the queue to whose ARN `value` refers: to a resource of the app, or to a parameter with the ARN of a queue of the data
    /// stack of the same name.
    fn at(&self, value: &'a Value) -> Option<Queue<'a>> {
        if let Some(id) = value["Fn::GetAtt"][0].as_str() {
            let name = json!({ "Fn::GetAtt": [id, "QueueName"] });
            return Self::queue(self.app, id, name);
        }
        let id = value["Ref"].as_str()?;
        let arn = json!({ "Fn::GetAtt": [id, "Arn"] });
        let parameters = self.data.of_type("AWS::SSM::Parameter");
        parameters.iter().find(|(_, parameter)| parameter["Properties"]["Value"] == arn)?;
        let name = json!({ "Fn::Select": [5, { "Fn::Split": [":", { "Ref": id }] }] });
        Self::queue(self.data, id, name)
    }

    fn queue(template: &'a Template, id: &'a str, name: Value) -> Option<Queue<'a>> {
        let properties = template.resource(id, "AWS::SQS::Queue");
        (!properties.is_null()).then_some(Queue { id, properties, name })
    }

    /// Returns the dead letters of `queue`, which are in the same stack.
    fn dead_letters(&self, queue: &Queue<'a>) -> Option<Queue<'a>> {
        let target = &queue.properties["RedrivePolicy"]["deadLetterTargetArn"];
        let id = target["Fn::GetAtt"][0].as_str()?;
        let is_of_app = queue.name["Fn::GetAtt"].is_array();
        if is_of_app {
            return self.at(target);
        }
        let name = json!({ "Fn::Select": [5, { "Fn::Split": [":", { "Ref": id }] }] });
        Self::queue(self.data, id, name)
    }

    /// Whether another queue sends its dead letters to `queue`.
    fn has_dead_letters(&self, queue: &Queue<'_>) -> bool {
        let target = json!({ "Fn::GetAtt": [queue.id, "Arn"] });
        let all = [self.app, self.data].into_iter().flat_map(|template| template.of_type("AWS::SQS::Queue"));
        all.into_iter()
            .any(|(_, other)| other["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == target)
    }

    /// Whether a function reads `queue`.
    fn is_read(&self, queue: &Queue<'_>) -> bool {
        let functions = self.app.functions();
        let mut events = functions.iter().flat_map(|f| queue_events(f));
        events.any(|event| self.at(&event["Queue"]).is_some_and(|read| read.name == queue.name))
    }
}

fn queue_events<'a>(f: &Function<'a>) -> Vec<&'a Value> {
    let events = f.resource["Properties"]["Events"].as_object().into_iter().flatten();
    events.filter(|(_, event)| event["Type"] == "SQS").map(|(_, event)| &event["Properties"]).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// Every queue of a function returns the messages of a batch that failed, keeps dead letters, and notifies about old messages and dead
/// letters. `data` has the queues that its stack publishes.
pub fn handles_each_message_of_a_queue(template: &Template, data: &Template) -> Vec<String> {
    let queues = Queues { app: template, data };
    check_functions(template, |f| {
        let events = queue_events(f);
        let together: u64 =
            events.iter().map(|event| number(&event["ScalingConfig"]["MaximumConcurrency"])).sum();
        let too_many = problem_unless(
            events.is_empty() || together <= number(f.get("/ReservedConcurrentExecutions")),
            "its queue invokes it more often than its concurrency allows",
        );
        too_many.or_else(|| events.into_iter().find_map(|event| problem(&queues, f, event)))
    })
}

fn problem(queues: &Queues<'_>, f: &Function<'_>, event: &Value) -> Option<String> {
    let Some(queue) = queues.at(&event["Queue"]) else { return Some("its queue does not exist".to_owned()) };
    let letters = queues.dead_letters(&queue);
    let receives = f.statements(queues.app).into_iter().any(|statement| {
        let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        actions.iter().all(|action| each(&statement["Action"]).contains(&json!(action)))
            && each(&statement["Resource"]).contains(&event["Queue"])
    });
    let stays = |letters: &Queue<'_>| {
        letters.properties["SqsManagedSseEnabled"] == true
            && number(&letters.properties["MessageRetentionPeriod"]) >= DEAD_LETTER_RETENTION
    };
    // Dead letters that a function reads have no dead letters of their own: they stay until they are handled.
    let keeps = if queues.has_dead_letters(&queue) {
        stays(&queue)
    } else {
        number(&queue.properties["RedrivePolicy"]["maxReceiveCount"]) >= MIN_RECEIVES
            && letters.as_ref().is_some_and(stays)
    };
    let checks = [
        (
            each(&event["FunctionResponseTypes"]).contains(&json!("ReportBatchItemFailures")),
            "a message that fails returns its whole batch",
        ),
        (
            number(&queue.properties["VisibilityTimeout"]) >= VISIBILITY * number(f.get("/Timeout")).max(1),
            "a message can be delivered again while it is handled",
        ),
        (queue.properties["SqsManagedSseEnabled"] == true, "its queue is not encrypted"),
        (keeps, "its queue has no encrypted dead letters that stay"),
        (
            number(&event["ScalingConfig"]["MaximumConcurrency"]) >= 2,
            "its queue invokes it more often than its concurrency allows",
        ),
        (receives, "it may not receive from its queue"),
        (
            notifies(queues.app, &queue, "ApproximateAgeOfOldestMessage", "Maximum", MAX_AGE),
            "no alarm about the age of its messages",
        ),
        (
            letters.as_ref().is_none_or(|letters| notifies_about_dead_letters(queues, letters)),
            "no alarm about its dead letters",
        ),
    ];
    checks.into_iter().find_map(|(good, text)| problem_unless(good, text))
}

/// Dead letters that a function reads are gone at once, so the alarm counts what it reads.
fn notifies_about_dead_letters(queues: &Queues<'_>, letters: &Queue<'_>) -> bool {
    if queues.is_read(letters) {
        notifies(queues.app, letters, "NumberOfMessagesReceived", "Sum", 0)
    } else {
        notifies(queues.app, letters, "ApproximateNumberOfMessagesVisible", "Maximum", 0)
    }
}

/// Checks that an alarm notifies when `metric` of `queue` is above `most` at the latest.
fn notifies(template: &Template, queue: &Queue<'_>, metric: &str, statistic: &str, most: u64) -> bool {
    template.of_type("AWS::CloudWatch::Alarm").into_iter().any(|(_, alarm)| {
        let alarm = &alarm["Properties"];
        alarm["Namespace"] == "AWS/SQS"
            && alarm["MetricName"] == metric
            && alarm["Dimensions"][0]["Value"] == queue.name
            && alarm["Statistic"] == statistic
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
