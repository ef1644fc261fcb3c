//! Passwords of the local services: generated once, and kept as long as their data.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result};

#[derive(Debug, Clone)]
pub struct Credentials {
    /// Of the superuser of the database, `postgres`.
    pub postgres: String,
    /// Of the login of the API functions, `arches_api`.
    pub api: String,
    /// Of the login of `retention`, `arches_janitor`.
    pub janitor: String,
    /// Of the login of `backup`, `arches_backup`.
    pub backup: String,
    pub redis: String,
}

impl Credentials {
    /// Reads the passwords from `dir`. Generates and writes those that are missing.
    pub fn load_or_create(dir: &Path) -> Result<Self> {
        let path = dir.join("credentials.json");
        let text = if path.exists() {
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?
        } else {
            "{}".to_owned()
        };
        let kept: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
        let mut all = kept.clone();
        // The file may be of an earlier version, without some of the passwords.
        let mut get = |name: &str| {
            let value = kept.get(name).cloned().map_or_else(random, Ok)?;
            all.insert(name.to_owned(), value.clone());
            anyhow::Ok(value)
        };
        let credentials = Self {
            postgres: get("postgres")?,
            api: get("arches_api")?,
            janitor: get("arches_janitor")?,
            backup: get("arches_backup")?,
            redis: get("redis")?,
        };
        if all != kept {
            fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
            write_private(&path, &serde_json::to_string(&all)?)?;
        }
        Ok(credentials)
    }
}

/// Returns 128 random bits, in characters that need no escape in a URL.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let _first_time = fs::remove_file(path);
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}
