//! Real text: paragraphs of the documentation of the crates in `Cargo.lock`. They are on every machine that builds the project.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use ring::digest::{SHA256, digest};
use serde_json::Value;

/// Of one crate, so that no crate is most of the text.
const MAX_PER_CRATE: usize = 200;
const CHARACTERS: std::ops::RangeInclusive<usize> = 120..=1200;
const MIN_WORDS: usize = 20;
/// The share of letters and spaces in percent: less is a table or code.
const MIN_LETTERS: usize = 85;

type Hash = [u8; 32];

/// Returns the hash of a text.
pub fn hash(text: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// Returns all paragraphs, in the order of their hashes: as good as drawn, and the same in each run.
pub fn all(root: &Path) -> Result<Vec<String>> {
    let (mut seen, mut by_crate) = (HashSet::new(), BTreeMap::<String, Vec<(Hash, String)>>::new());
    for (name, folder) in crates(root)? {
        let of_crate = by_crate.entry(name).or_default();
        for file in sources(&folder)? {
            let Ok(text) = fs::read_to_string(file) else { continue };
            for paragraph in paragraphs(&text) {
                let hash = hash(&paragraph);
                if is_prose(&paragraph) && seen.insert(hash) {
                    of_crate.push((hash, paragraph));
                }
            }
        }
    }
    let mut all = Vec::new();
    for mut of_crate in by_crate.into_values() {
        of_crate.sort();
        of_crate.truncate(MAX_PER_CRATE);
        all.append(&mut of_crate);
    }
    all.sort();
    Ok(all.into_iter().map(|(_, paragraph)| paragraph).collect())
}

/// Returns the name and the folder of each crate that is not ours.
fn crates(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--format-version", "1", "--offline", "--locked"]).current_dir(root);
    let output = metadata.output().context("start cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array().context("packages")? {
        if package["source"].as_str().is_some_and(|source| source.starts_with("registry+")) {
            let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
            let manifest = PathBuf::from(text("manifest_path"));
            let folder = manifest.parent().context("a folder")?.join("src");
            crates.push(((text("name"), text("version")), folder));
        }
    }
    crates.sort();
    Ok(crates.into_iter().map(|((name, _), folder)| (name, folder)).collect())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns the paragraphs of the doc comments in a source text, without code, lists, tables and headings.
fn paragraphs(source: &str) -> Vec<String> {
    let (mut paragraphs, mut current, mut is_code) = (Vec::new(), String::new(), false);
    for line in source.lines() {
        let line = line.trim();
        let mut text = "";
        if let Some(comment) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) {
            let comment = comment.trim();
            let is_fence = comment.starts_with("```");
            is_code ^= is_fence;
            if !is_fence && !is_code && !comment.starts_with(['#', '|', '-', '*', '>', '[', '<']) {
                text = comment;
            }
        } else {
            is_code = false;
        }
        if text.is_empty() {
            if !current.is_empty() {
                paragraphs.push(std::mem::take(&mut current));
            }
            continue;
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current += text;
    }
    if !current.is_empty() {
        paragraphs.push(current);
    }
    paragraphs
}

fn is_prose(paragraph: &str) -> bool {
    let characters = paragraph.chars().count();
    let letters = paragraph.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').count();
    CHARACTERS.contains(&characters)
        && paragraph.split_whitespace().count() >= MIN_WORDS
        && letters * 100 >= MIN_LETTERS * characters
}

/// Returns the first sentence of a paragraph, if it can be a query.
pub fn query(paragraph: &str) -> Option<&str> {
    let end = paragraph
        .match_indices(['.', ':', '?'])
        .find(|(at, _)| paragraph[at + 1..].chars().next().is_none_or(char::is_whitespace))?;
    let sentence = &paragraph[..=end.0];
    ((30..=200).contains(&sentence.chars().count()) && sentence.ends_with('.')).then_some(sentence)
}
