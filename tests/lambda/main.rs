//! The real binaries, which get the events of API Gateway from a loopback Runtime API.

mod answers;
mod erasure;
mod functions;
mod logs;
mod observe;
mod queries;
mod queue;
mod start;

use harness::{environment, events};
