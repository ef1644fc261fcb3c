//! Vectors of real text, by the model that the Python package ships. They are cached in `.dev`: 9,500 of them take minutes.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use local_stack::model;
use shared::{
    aws::secrets::Secrets, config::Config, domain::deadline::Deadline, http_client::embeddings::Embeddings,
};

use super::paragraphs::hash;

/// Numbers of a vector.
const DIMENSIONS: usize = model::DIMENSIONS as usize;
/// Texts of one request.
const BATCH: usize = 64;
const TIMEOUT: Duration = Duration::from_mins(5);
/// A hash and the vector, without the zeros at its end.
const RECORD: usize = 32 + DIMENSIONS * 4;

/// Returns the vectors of `texts`, each with `model::DIMENSIONS` numbers.
pub async fn of(root: &Path, config: &Config, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let folder = root.join(".dev/search");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.vectors", model::NAME));
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    // A run that was interrupted may have left a part of a record.
    let length = file.metadata()?.len();
    file.set_len(length - length % RECORD as u64)?;
    let mut known = read(&fs::read(&path)?);
    let missing: Vec<&str> = texts.iter().copied().filter(|text| !known.contains_key(&hash(text))).collect();
    if !missing.is_empty() {
        eprintln!("  … {} of {} texts have no vector yet", missing.len(), texts.len());
    }
    let embeddings = Embeddings::new(config, Secrets::default(), None);
    for batch in missing.chunks(BATCH) {
        let embedded = embeddings.embed(batch, Deadline::after(TIMEOUT)).await?;
        for (text, mut vector) in batch.iter().zip(embedded.vectors) {
            vector.truncate(DIMENSIONS);
            let numbers = vector.iter().flat_map(|number| number.to_le_bytes());
            let record: Vec<u8> = hash(text).into_iter().chain(numbers).collect();
            file.write_all(&record)?;
            known.insert(hash(text), vector);
        }
    }
    texts.iter().map(|text| known.get(&hash(text)).cloned().context("a vector of each text")).collect()
}

/// Reads the cache.
fn read(bytes: &[u8]) -> HashMap<[u8; 32], Vec<f32>> {
    let records = bytes.chunks_exact(RECORD).filter_map(|record| {
        let (hash, numbers) = record.split_first_chunk::<32>()?;
        let (numbers, _) = numbers.as_chunks::<4>();
        Some((*hash, numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()))
    });
    records.collect()
}
