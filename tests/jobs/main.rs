//! The jobs: real binaries, told what to do as AWS tells them.

mod keys;
mod smoke;
