//! The baseline of the functions: the same router and runtime, and nothing else. `/hash` hashes a password with the parameters of
//! `shared/src/crypto/password.rs`, always in the same memory.

use std::sync::{LazyLock, Mutex};

use argon2_rust::{Algorithm, Argon2, Hasher, Params, Version};
use axum::{Json, Router, routing::get};
use lambda_http::{Error, run};

/// 19 MiB, 2 passes, 1 lane.
static HASHER: LazyLock<Mutex<Hasher>> =
    LazyLock::new(|| Mutex::new(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT).hasher()));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let health = get(async || Json("ok"));
    run(Router::new().route("/health", health).route("/hash", get(async || Json(hash())))).await
}

fn hash() -> u8 {
    let mut hash = [0; 32];
    let (password, salt) = (b"correct horse battery staple", b"sixteen bytes ..");
    HASHER.lock().expect("a lock").hash_into(password, salt, &mut hash).expect("a hash");
    hash[0]
}
