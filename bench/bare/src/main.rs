//! The baseline of the functions: the same router and runtime, and nothing else. `/hash` hashes a password with the parameters of
//! `shared/src/crypto/password.rs`, always in the same memory.

use std::sync::{LazyLock, Mutex};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::{Json, Router, routing::get};
use lambda_http::{Error, run};

/// 19 MiB, in blocks of 1 KiB.
const BLOCKS: usize = 19 * 1024;

static MEMORY: LazyLock<Mutex<Vec<Block>>> = LazyLock::new(|| Mutex::new(vec![Block::default(); BLOCKS]));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let health = get(async || Json("ok"));
    run(Router::new().route("/health", health).route("/hash", get(async || Json(hash())))).await
}

fn hash() -> u8 {
    let params = Params::new(19 * 1024, 2, 1, Some(32)).expect("parameters");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = MEMORY.lock().expect("a lock");
    let mut hash = [0; 32];
    let (password, salt) = (b"correct horse battery staple", b"sixteen bytes ..");
    argon2.hash_password_into_with_memory(password, salt, &mut hash, &mut *memory).expect("a hash");
    hash[0]
}
