//! Clients of AWS services, reduced to the calls that this project makes.

pub mod client;
pub mod cloudformation;
pub mod elasticache;
pub mod kms;
mod query;
pub mod rds;
pub mod s3;
pub mod secret_rotation;
pub mod secrets;
pub mod sqs;
