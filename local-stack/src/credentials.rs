//! Passwords of the local services: made up once, and kept as long as the data they protect.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result};

/// The passwords.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Of the database's superuser, `postgres`.
    pub postgres: String,
    /// Of the login role of the functions, `arches_api`.
    pub api: String,
    /// Of the login role of `retention`, `arches_janitor`.
    pub janitor: String,
    /// Of the login role of `backup`, `arches_backup`.
    pub backup: String,
    /// Of Redis.
    pub redis: String,
}

impl Credentials {
    /// Reads them from `dir`, where the first call of all puts them.
    pub fn kept_in(dir: &Path) -> Result<Self> {
        let path = dir.join("credentials.json");
        let text = if path.exists() {
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?
        } else {
            "{}".to_owned()
        };
        let kept: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| format!("understand {}", path.display()))?;
        let mut all = kept.clone();
        // A folder may be older than one of these.
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

/// 128 random bits in characters that need no escape in a URL.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let _first_time = fs::remove_file(path);
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}
