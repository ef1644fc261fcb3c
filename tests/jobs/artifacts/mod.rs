//! The way of an artifact: the real functions with S3 and SQS.

mod answers;
mod budget;
mod extract;
mod index;
mod index_faults;
mod index_final;
mod ingestion;
mod reindex;
mod restored;
mod setup;
mod sweeper;
