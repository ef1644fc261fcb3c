//! The queues of the local system, and a pump that invokes their functions, as Lambda does in AWS.

use std::{
    fs::File,
    io::Write,
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{aws, http::post, service};

/// A queue that invokes a function.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    pub name: &'static str,
    pub function: &'static str,
    /// The most messages of one invocation.
    pub batch: u32,
    /// After so many receives a message goes to `<name>-dead-letters`. `None` for dead letters themselves: they stay.
    pub receives: Option<u32>,
}

/// The queues with a function. Each with `receives` has dead letters; those of `mail-events` have no function.
pub const QUEUES: [Queue; 5] = [
    Queue { name: "mail-events", function: "mail-events", batch: 5, receives: Some(5) },
    Queue { name: EXTRACT, function: "extract", batch: 1, receives: Some(3) },
    Queue { name: INDEX, function: "index", batch: 1, receives: Some(5) },
    Queue { name: "extract-dead-letters", function: "index", batch: 5, receives: None },
    Queue { name: "index-dead-letters", function: "index", batch: 5, receives: None },
];
/// The queue of the files to extract, to which S3 reports uploads.
pub const EXTRACT: &str = "extract";
/// The queue of the artifacts to index.
pub const INDEX: &str = "index";

/// The account of the AWS stand-ins.
const ACCOUNT: &str = "123456789012";
/// How long a request for messages waits for the first one, in seconds.
const WAIT_SECONDS: u32 = 20;
/// As long as a function may run in AWS; enough to compile it.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(15);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a failure, and between two looks for the functions.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// SQS at the AWS stand-ins.
#[derive(Debug, Clone)]
struct Sqs {
    /// Host and port.
    address: String,
}

impl Sqs {
    fn call(&self, action: &str, queue: &str, mut arguments: Value) -> Result<Value> {
        arguments["QueueUrl"] = json!(url_at(&self.address, queue));
        let target = format!("AmazonSQS.{action}");
        // moto reads the service from the credential; it does not check the signature.
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=local/20260101/{}/sqs/aws4_request, SignedHeaders=host, Signature=none",
            aws::REGION
        );
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", target.as_str()),
            ("Authorization", credential.as_str()),
        ];
        post(&self.address, "/", &headers, &arguments, REQUEST_TIMEOUT)
            .with_context(|| format!("{action} of {queue}"))
    }
}

/// Returns the URL of a queue of the AWS stand-ins at `port`.
#[must_use]
pub fn url(port: u16, queue: &str) -> String {
    url_at(&format!("127.0.0.1:{port}"), queue)
}

fn url_at(address: &str, queue: &str) -> String {
    format!("http://{address}/{ACCOUNT}/{queue}")
}

/// Sends a message to a queue of the AWS stand-ins at `port`.
pub fn send(port: u16, queue: &str, body: &str) -> Result<()> {
    let sqs = Sqs { address: format!("127.0.0.1:{port}") };
    sqs.call("SendMessage", queue, json!({ "MessageBody": body })).map(drop)
}

/// Delivers messages to functions, until it is dropped.
#[derive(Debug)]
pub struct Pump(Arc<AtomicBool>);

impl Pump {
    /// Starts a thread for each queue. `functions` is host and port of the functions, and `dir` has the folder of the logs.
    pub fn start(port: u16, functions: &str, dir: &Path) -> Result<Self> {
        let stopped = Arc::<AtomicBool>::default();
        for queue in QUEUES {
            let log = service::open_log(&service::log_path(dir, "queues"))?;
            let (stopped, functions) = (Arc::clone(&stopped), functions.to_owned());
            let sqs = Sqs { address: format!("127.0.0.1:{port}") };
            thread::spawn(move || run(&sqs, queue, &functions, &stopped, log));
        }
        Ok(Self(stopped))
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn run(sqs: &Sqs, queue: Queue, functions: &str, stopped: &AtomicBool, mut log: File) {
    while !stopped.load(Ordering::SeqCst) {
        // A message that is received counts as tried, also if no function was there.
        if TcpStream::connect(functions).is_err() {
            thread::sleep(RETRY_DELAY);
            continue;
        }
        if let Err(error) = deliver(sqs, queue, functions) {
            let _nobody_reads_it = writeln!(log, "{}: {error:#}", queue.name);
            thread::sleep(RETRY_DELAY);
        }
    }
}

/// Delivers one batch. Deletes the messages that the function does not report as failed; SQS delivers the others again.
fn deliver(sqs: &Sqs, queue: Queue, functions: &str) -> Result<()> {
    let wanted = json!({
        "MaxNumberOfMessages": queue.batch, "WaitTimeSeconds": WAIT_SECONDS,
        "AttributeNames": ["All"], "MessageAttributeNames": ["All"]
    });
    let received = sqs.call("ReceiveMessage", queue.name, wanted)?;
    let messages = received["Messages"].as_array().map_or(&[][..], Vec::as_slice);
    if messages.is_empty() {
        return Ok(());
    }
    let records: Vec<_> = messages.iter().map(|message| record(queue, message)).collect();
    let path = format!("/2015-03-31/functions/{}/invocations", queue.function);
    let headers = [("Content-Type", "application/json")];
    let answer = post(functions, &path, &headers, &json!({ "Records": records }), INVOCATION_TIMEOUT)?;
    let failures = answer["batchItemFailures"].as_array().with_context(|| {
        // Lambda returns the whole batch too.
        format!("{} answered with an error: {answer}", queue.function)
    })?;
    let failed = |id: &Value| failures.iter().any(|failure| failure["itemIdentifier"] == *id);
    for message in messages.iter().filter(|message| !failed(&message["MessageId"])) {
        sqs.call("DeleteMessage", queue.name, json!({ "ReceiptHandle": message["ReceiptHandle"] }))?;
    }
    Ok(())
}

/// Returns a message in the form in which Lambda delivers it.
fn record(queue: Queue, message: &Value) -> Value {
    json!({
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "md5OfBody": message["MD5OfBody"],
        "attributes": message.get("Attributes").cloned().unwrap_or_else(|| json!({})),
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{}:{ACCOUNT}:{}", aws::REGION, queue.name),
        "awsRegion": aws::REGION,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request after the other with `answers`. Returns the address, and the requests when all are answered.
    fn serve(answers: Vec<Value>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let served = thread::spawn(move || {
            let answer = |answer: &Value| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a line");
                    if let Some(value) = line.strip_prefix("Content-Length: ") {
                        length = value.trim().parse().expect("a length");
                    }
                    if line == "\r\n" {
                        break;
                    }
                    head += &line;
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                write!(stream, "HTTP/1.0 200 OK\r\n\r\n{answer}").expect("a response");
                head + &String::from_utf8(body).expect("text")
            };
            answers.iter().map(answer).collect()
        });
        (address, served)
    }

    fn messages() -> Value {
        let message =
            |id: &str| json!({ "MessageId": id, "ReceiptHandle": format!("handle-{id}"), "Body": "b" });
        json!({ "Messages": [message("one"), message("two"), message("three")] })
    }

    #[test]
    fn messages_that_the_function_reports_as_failed_are_not_deleted() {
        let (sqs, queue) = serve(vec![messages(), json!({}), json!({})]);
        let (functions, function) =
            serve(vec![json!({ "batchItemFailures": [{ "itemIdentifier": "two" }] })]);
        deliver(&Sqs { address: sqs }, QUEUES[0], &functions).expect("a delivery");
        let invoked = function.join().expect("an invocation").concat();
        assert!(invoked.starts_with("POST /2015-03-31/functions/mail-events/invocations"), "{invoked}");
        assert!(invoked.contains("\"messageId\":\"three\""), "{invoked}");
        let asked = queue.join().expect("requests");
        assert!(asked[0].contains("AmazonSQS.ReceiveMessage"));
        assert!(asked[1].contains("AmazonSQS.DeleteMessage") && asked[1].contains("handle-one"));
        assert!(asked[2].contains("AmazonSQS.DeleteMessage") && asked[2].contains("handle-three"));
    }

    #[test]
    fn batch_of_a_function_that_fails_stays_in_the_queue() {
        let (sqs, queue) = serve(vec![messages()]);
        let (functions, _) = serve(vec![json!({ "errorType": "Panic", "errorMessage": "a bug" })]);
        let error = deliver(&Sqs { address: sqs }, QUEUES[0], &functions).expect_err("a failure");
        assert!(error.to_string().contains("a bug"), "{error}");
        assert_eq!(queue.join().expect("one request").len(), 1);
    }
}
