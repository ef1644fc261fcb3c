//! The way of an artifact: the real functions with S3 and SQS.

mod extract;
