//! The real binaries, fed by a loopback Runtime API with the events that API Gateway sends.

mod erasure;
mod functions;
mod logs;
mod start;

use harness::{environment, events};
