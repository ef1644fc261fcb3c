//! The way of an artifact from its upload to its chunks, with the real binaries `extract` and `index` on queues in moto.
//!
//! Each test has its own bucket and queues. Nothing runs in the background: [`Ingestion::ingest`] delivers messages until no queue has any.

use std::{collections::HashMap, time::Duration};

use aws_sdk_s3::types::{
    BucketVersioningStatus, Event, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, VersioningConfiguration,
};
use aws_sdk_sqs::types::{Message, QueueAttributeName as Attribute};
use serde_json::{Value, json};
use shared::aws::client;
use tokio::{sync::OnceCell, time::Instant};
use uuid::Uuid;

use crate::{Database, environment, runtime_api::Function};

/// The most messages of one invocation.
const BATCH: i32 = 5;
/// The limit of an invocation.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(2);
/// The limit of a call of [`Ingestion::ingest`].
const INGESTION_TIMEOUT: Duration = Duration::from_mins(5);
/// Longer than an invocation.
const RECEIVE_TIMEOUT: Duration = Duration::from_mins(10);
/// How long to wait for a message that is delayed or being delivered.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Receives of a message until it is a dead letter.
const RECEIVES: [(&str, u32); 2] = [("extract", 3), ("index", 5)];

/// The queues and their functions, in the order in which messages go through them.
const QUEUES: [(&str, &str); 4] = [
    ("extract", "extract"),
    ("index", "index"),
    ("extract-dead-letters", "index"),
    ("index-dead-letters", "index"),
];

/// Messages that were received together.
pub struct Batch {
    queue: &'static str,
    /// The event of the function.
    pub event: Value,
    /// The ids of the messages, and what deletes them.
    receipts: Vec<(String, String)>,
}

/// A bucket of artifacts, its queues, and the functions that work on them.
pub struct Ingestion {
    bucket: String,
    /// By name: `extract`, `index`, and their dead letters.
    urls: HashMap<&'static str, String>,
    sqs: aws_sdk_sqs::Client,
    s3: aws_sdk_s3::Client,
    changes: Vec<(String, String)>,
    functions: OnceCell<HashMap<&'static str, Function>>,
}

impl Ingestion {
    /// Creates the bucket and the queues. The functions start at the first delivery.
    pub async fn create() -> Self {
        Self::with(&[]).await
    }

    /// Like [`Ingestion::create`], with changed settings of the functions.
    pub async fn with(changes: &[(&str, &str)]) -> Self {
        let config = client::config().await;
        let (sqs, s3) = (aws_sdk_sqs::Client::new(config), aws_sdk_s3::Client::new(config));
        let id = Uuid::new_v4().simple().to_string();
        let mut urls = HashMap::new();
        for (name, _) in QUEUES {
            let created =
                sqs.create_queue().queue_name(format!("{id}-{name}")).send().await.expect("a queue");
            urls.insert(name, created.queue_url.expect("a URL"));
        }
        for (name, receives) in RECEIVES {
            let letters = arn(&sqs, &urls[&*format!("{name}-dead-letters")]).await;
            let redrive = json!({ "deadLetterTargetArn": letters, "maxReceiveCount": receives.to_string() });
            let set = sqs.set_queue_attributes().queue_url(&urls[name]);
            set.attributes(Attribute::RedrivePolicy, redrive.to_string())
                .send()
                .await
                .expect("a redrive policy");
        }
        let bucket = format!("artifacts-{id}");
        s3.create_bucket().bucket(&bucket).send().await.expect("a bucket");
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning()
            .bucket(&bucket)
            .versioning_configuration(versions)
            .send()
            .await
            .expect("versions");
        report_uploads(&s3, &bucket, &arn(&sqs, &urls["extract"]).await).await;
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { bucket, urls, sqs, s3, changes, functions: OnceCell::new() }
    }

    /// Returns the settings that lead the API functions to this bucket and these queues, with the changed settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&str, &str)> {
        let mut settings: Vec<_> =
            self.changes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        settings.extend([
            ("ARTIFACT_BUCKET", self.bucket.as_str()),
            ("EXTRACT_QUEUE_URL", self.urls["extract"].as_str()),
            ("INDEX_QUEUE_URL", self.urls["index"].as_str()),
        ]);
        settings
    }

    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    #[must_use]
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    /// Sends a message to the queue `name`.
    pub async fn send(&self, name: &str, body: &str) {
        let send = self.sqs.send_message().queue_url(&self.urls[name]).message_body(body);
        send.send().await.expect("a message is sent");
    }

    /// Returns how many messages the queue `name` has, also those that are being delivered or delayed.
    pub async fn messages(&self, name: &str) -> u32 {
        let counts = [
            Attribute::ApproximateNumberOfMessages,
            Attribute::ApproximateNumberOfMessagesNotVisible,
            Attribute::ApproximateNumberOfMessagesDelayed,
        ];
        let get = self.sqs.get_queue_attributes().queue_url(&self.urls[name]);
        let found = get.set_attribute_names(Some(counts.to_vec())).send().await.expect("attributes");
        let found = found.attributes.unwrap_or_default();
        counts.iter().filter_map(|count| found.get(count)?.parse::<u32>().ok()).sum()
    }

    /// Delivers messages to the functions until no queue has any. A failed message comes back at once, until it is a dead letter;
    /// dead letters go to `index`.
    pub async fn ingest(&self, database: &Database) {
        let begin = Instant::now();
        loop {
            let mut delivered = 0;
            for (queue, _) in QUEUES {
                delivered += self.deliver(database, queue).await;
            }
            if delivered == 0 {
                let mut waiting = 0;
                for (queue, _) in QUEUES {
                    waiting += self.messages(queue).await;
                }
                if waiting == 0 {
                    return;
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            assert!(begin.elapsed() < INGESTION_TIMEOUT, "messages are left; the logs: {:#?}", self.logs());
        }
    }

    /// Delivers one batch of the queue `name` to its function. Returns the number of its messages.
    pub async fn deliver(&self, database: &Database, name: &'static str) -> usize {
        let Some(batch) = self.receive(name, RECEIVE_TIMEOUT).await else { return 0 };
        let functions = self.functions.get_or_init(|| self.start(database)).await;
        let answer =
            functions[function_of(name)].invoke_within(INVOCATION_TIMEOUT, batch.event.clone()).await;
        self.settle(&batch, answer.as_ref().ok(), Duration::ZERO).await;
        batch.receipts.len()
    }

    /// Receives messages of the queue `name`. They are received again after `visibility`, unless they are deleted before.
    pub async fn receive(&self, name: &'static str, visibility: Duration) -> Option<Batch> {
        let visibility = i32::try_from(visibility.as_secs()).expect("seconds");
        let receive = self.sqs.receive_message().queue_url(&self.urls[name]).max_number_of_messages(BATCH);
        #[expect(deprecated, reason = "the attributes of SQS in the event of Lambda have these names")]
        let receive = receive.attribute_names(Attribute::All);
        let received = receive.visibility_timeout(visibility).send().await.expect("an answer of the queue");
        let messages = received.messages.unwrap_or_default();
        let queue = self.urls[name].rsplit('/').next().expect("a name");
        let records: Vec<_> = messages.iter().map(|message| record(queue, message)).collect();
        let receipt = |message: Message| Some((message.message_id?, message.receipt_handle?));
        let receipts: Vec<_> = messages.into_iter().filter_map(receipt).collect();
        let event = json!({ "Records": records });
        (!receipts.is_empty()).then_some(Batch { queue: name, event, receipts })
    }

    /// Deletes the messages that the function handled. The others are received again after `delay`. Without an answer these are all.
    pub async fn settle(&self, batch: &Batch, answer: Option<&Value>, delay: Duration) {
        let delay = i32::try_from(delay.as_secs()).expect("seconds");
        for receipt in self.delete_handled(batch, answer).await {
            let change = self.sqs.change_message_visibility().queue_url(&self.urls[batch.queue]);
            let change = change.receipt_handle(receipt).visibility_timeout(delay);
            change.send().await.expect("the message is received again");
        }
    }

    /// Deletes the messages that the function handled. Returns the receipts of the others, which are received again when the queue or
    /// the function says.
    pub async fn delete_handled<'a>(&self, batch: &'a Batch, answer: Option<&Value>) -> Vec<&'a str> {
        let failures =
            answer.map(|answer| answer["batchItemFailures"].as_array().map_or(&[][..], Vec::as_slice));
        let mut failed = Vec::new();
        for (id, receipt) in &batch.receipts {
            if failures.is_none_or(|failures| failures.iter().any(|item| item["itemIdentifier"] == **id)) {
                failed.push(receipt.as_str());
            } else {
                let delete =
                    self.sqs.delete_message().queue_url(&self.urls[batch.queue]).receipt_handle(receipt);
                delete.send().await.expect("the message is deleted");
            }
        }
        failed
    }

    /// Returns the log lines of both functions.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.functions.get().into_iter().flat_map(HashMap::values).flat_map(Function::log).collect()
    }

    /// Returns the environment of the functions on `database`.
    #[must_use]
    pub fn environment(&self, database: &Database) -> HashMap<String, String> {
        let mut environment = environment(database);
        let settings = self.settings();
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        environment
    }

    async fn start(&self, database: &Database) -> HashMap<&'static str, Function> {
        let environment = self.environment(database);
        let (extract, index) = tokio::join!(
            Function::start("extract", environment.clone()),
            Function::start("index", environment)
        );
        HashMap::from([("extract", extract), ("index", index)])
    }
}

/// Returns the function of the queue `name`.
#[must_use]
pub fn function_of(name: &str) -> &'static str {
    QUEUES.iter().find(|(queue, _)| *queue == name).expect("a queue with a function").1
}

async fn arn(sqs: &aws_sdk_sqs::Client, url: &str) -> String {
    let get = sqs.get_queue_attributes().queue_url(url).attribute_names(Attribute::QueueArn);
    let found = get.send().await.expect("attributes").attributes.unwrap_or_default();
    found.get(&Attribute::QueueArn).expect("an ARN").clone()
}

/// Makes S3 report new files in `bucket` to the queue `arn`.
async fn report_uploads(s3: &aws_sdk_s3::Client, bucket: &str, arn: &str) {
    let rule = FilterRule::builder().name(FilterRuleName::Prefix).value("uploads/").build();
    let filter = NotificationConfigurationFilter::builder()
        .key(S3KeyFilter::builder().filter_rules(rule).build())
        .build();
    let queue = QueueConfiguration::builder()
        .queue_arn(arn)
        .events(Event::S3ObjectCreated)
        .filter(filter)
        .build()
        .expect("a notification");
    let configuration = NotificationConfiguration::builder().queue_configurations(queue).build();
    let put = s3.put_bucket_notification_configuration().bucket(bucket);
    put.notification_configuration(configuration).send().await.expect("a notification");
}

/// Returns a message in the form in which Lambda delivers it.
fn record(queue: &str, message: &Message) -> Value {
    let attributes = message.attributes().into_iter().flatten();
    let attributes: HashMap<_, _> = attributes.map(|(name, value)| (name.as_str(), value)).collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
        "awsRegion": "us-east-1",
    })
}
