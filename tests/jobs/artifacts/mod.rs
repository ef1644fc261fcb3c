//! Artifacts on their way from a file to chunks with vectors.

mod budget;
mod index;
mod index_faults;
mod index_final;
mod setup;
mod sweeper;
