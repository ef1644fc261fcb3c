//! The extracted text in storage.

use std::io::{BufRead, BufReader, Read};

use anyhow::Context;
use shared::domain::{
    chunking::{Chunk, Chunker},
    ingestion::{MAX_TEXT_BYTES, TextPart, Upload},
};
use zstd::Decoder;

use crate::State;

/// Bytes of one read from storage.
const READ_BYTES: u64 = 8 << 20;

/// The chunks of an upload.
pub(crate) enum Text {
    Chunks(Vec<Chunk>),
    TooManyChunks,
    /// There is no text in storage.
    Missing,
}

/// Reads the text of `upload` and cuts it into chunks.
pub(crate) async fn read(state: &State, upload: &Upload) -> anyhow::Result<Text> {
    let Some(source) = state.artifacts.open(&upload.text_key(), None).await? else {
        return Ok(Text::Missing);
    };
    let mut packed = Vec::new();
    let mut at = 0;
    while at < source.size {
        let end = (at + READ_BYTES).min(source.size);
        packed.extend(state.artifacts.read(&source, at..end).await?);
        at = end;
    }
    cut(&packed)
}

/// Cuts a text into chunks, part by part, so that the unpacked text is never in memory as a whole.
fn cut(packed: &[u8]) -> anyhow::Result<Text> {
    let unpacked = Decoder::new(packed).context("the text in storage is damaged")?;
    let mut lines = BufReader::new(unpacked.take(MAX_TEXT_BYTES as u64));
    let (mut chunker, mut line) = (Chunker::default(), String::new());
    while lines.read_line(&mut line).context("the text in storage is damaged")? > 0 {
        // serde's message can repeat a value.
        let part: TextPart = serde_json::from_str(&line)
            .map_err(|error| anyhow::anyhow!("the text in storage is damaged: column {}", error.column()))?;
        if chunker.push(part).is_err() {
            return Ok(Text::TooManyChunks);
        }
        line.clear();
    }
    Ok(chunker.finish().map_or(Text::TooManyChunks, Text::Chunks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(lines: &str) -> Vec<u8> {
        zstd::encode_all(lines.as_bytes(), 1).expect("packed")
    }

    #[test]
    fn lines_are_cut_into_chunks() {
        let text = packed(
            "{\"page\": 1, \"text\": \"One.\"}\n{\"page\": 2, \"heading\": \"B\", \"text\": \"Two.\"}\n",
        );
        let Ok(Text::Chunks(chunks)) = cut(&text) else { panic!("no chunks") };
        let found: Vec<_> =
            chunks.iter().map(|chunk| (chunk.page, chunk.heading.as_deref(), &*chunk.text)).collect();
        assert_eq!(found, [(Some(1), None, "One."), (Some(2), Some("B"), "Two.")]);
    }

    #[test]
    fn damaged_text_is_an_error_that_does_not_repeat_it() {
        let mut cut_off = packed(&"{\"text\": \"secret\"}\n".repeat(1_000));
        cut_off.truncate(cut_off.len() - 8);
        for text in [cut_off, packed("{\"text\": secret}\n"), packed("{\"text\": \"sec"), b"secret".to_vec()]
        {
            let error = cut(&text).err().expect("damaged");
            assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        }
    }
}
