//! Cuts the text of an artifact into chunks.
//!
//! Deterministic: the same parts make the same chunks, so an interrupted indexing continues where it stopped. A change of these rules
//! needs another [`CHUNKER`].
//!
//! The time is proportional to the length of the text, whatever it contains. That is why the crate `text-splitter` is not used: version
//! 0.33.1 had not cut one million characters without a space after ten minutes, and a file with such a line costs its sender nothing.

use std::mem;

use super::ingestion::{MAX_CHUNKS, TextPart};

/// The version of the rules of this file, in `artifacts.chunker`.
pub const CHUNKER: i16 = 1;

/// The most characters of a chunk.
const MAX_CHARACTERS: usize = 1_200;
/// A chunk ends at a paragraph, sentence, line or word after so many characters; without one, at [`MAX_CHARACTERS`].
const MIN_CHARACTERS: usize = 600;
/// The most characters that a chunk shares with the next one.
const OVERLAP_CHARACTERS: usize = 150;
/// Stands between two parts in the whole text.
const BETWEEN_PARTS: char = '\n';
const PARAGRAPH_END: &str = "\n\n";

/// A passage of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place among the chunks of the artifact, starting at 0.
    pub ordinal: i32,
    pub text: String,
    pub heading: Option<String>,
    pub page: Option<i32>,
    /// Its first character in the whole text: the texts of all parts, joined by a newline.
    pub starts: i32,
    /// The character after its last one.
    pub ends: i32,
}

/// The text has more than [`MAX_CHUNKS`] chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyChunks;

/// Takes the parts of a text, and makes its chunks. A chunk belongs to one page and one heading.
#[derive(Default)]
pub struct Chunker {
    chunks: Vec<Chunk>,
    /// Neighbouring parts with the same page and heading.
    section: Section,
    /// Characters of all parts so far.
    length: usize,
    has_parts: bool,
}

#[derive(Default)]
struct Section {
    text: String,
    heading: Option<String>,
    page: Option<i32>,
    starts: usize,
}

impl Chunker {
    /// Adds the next part of the text.
    pub fn push(&mut self, part: TextPart) -> Result<(), TooManyChunks> {
        // PostgreSQL has no text with this character.
        let text = part.text.replace('\0', " ");
        let page = part.page.and_then(|page| i32::try_from(page).ok());
        if self.has_parts {
            self.length += 1;
        }
        if self.has_parts && page == self.section.page && part.heading == self.section.heading {
            self.section.text.push(BETWEEN_PARTS);
            self.section.text.push_str(&text);
        } else {
            self.cut()?;
            let heading = part.heading.map(|heading| heading.replace('\0', " "));
            self.section = Section { heading, page, starts: self.length, text: text.clone() };
        }
        self.has_parts = true;
        self.length += text.chars().count();
        Ok(())
    }

    /// Returns the chunks of all parts.
    pub fn finish(mut self) -> Result<Vec<Chunk>, TooManyChunks> {
        self.cut()?;
        Ok(self.chunks)
    }

    /// Cuts the section into chunks, and leaves an empty one.
    fn cut(&mut self) -> Result<(), TooManyChunks> {
        let Section { text, heading, page, starts } = mem::take(&mut self.section);
        // `at` and `counted` are the same place, in bytes and in characters.
        let (mut from, mut at, mut counted) = (0, 0, starts);
        while from < text.len() {
            let end = from + end_of_chunk(&text[from..]);
            let chunk = text[from..end].trim();
            if !chunk.is_empty() {
                let ordinal = self.chunks.len();
                if ordinal == MAX_CHUNKS {
                    return Err(TooManyChunks);
                }
                let begin = from + text[from..end].len() - text[from..end].trim_start().len();
                counted += text[at..begin].chars().count();
                at = begin;
                let ends = counted + chunk.chars().count();
                self.chunks.push(Chunk {
                    ordinal: number(ordinal),
                    text: chunk.to_owned(),
                    heading: heading.clone(),
                    page,
                    starts: number(counted),
                    ends: number(ends),
                });
            }
            from = if end == text.len() { end } else { from + start_of_next(&text[from..end]) };
        }
        Ok(())
    }
}

/// Returns where the first chunk of `text` ends, in bytes.
fn end_of_chunk(text: &str) -> usize {
    let Some((limit, _)) = text.char_indices().nth(MAX_CHARACTERS) else { return text.len() };
    let earliest = text.char_indices().nth(MIN_CHARACTERS).map_or(limit, |(at, _)| at);
    let tail = &text[earliest..limit];
    let paragraph = tail.rfind(PARAGRAPH_END).map(|at| at + PARAGRAPH_END.len());
    let end = paragraph.or_else(|| sentence_ends(tail).last()).or_else(|| after_last(tail, |c| c == '\n'));
    end.or_else(|| after_last(tail, char::is_whitespace)).map_or(limit, |end| earliest + end)
}

/// Returns where the chunk after `chunk` begins, in bytes of `chunk`: with its last sentences or words.
fn start_of_next(chunk: &str) -> usize {
    let Some((earliest, _)) = chunk.char_indices().rev().nth(OVERLAP_CHARACTERS - 1) else {
        return chunk.len();
    };
    let tail = &chunk[earliest..];
    let sentence = sentence_ends(tail).find(|end| *end < tail.trim_end().len());
    let word = || tail.find(char::is_whitespace).filter(|at| *at < tail.trim_end().len());
    earliest + sentence.or_else(word).unwrap_or_default()
}

/// Returns the places after the sentences that end in `text`.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| {
        let end = at + c.len_utf8();
        let ends = match c {
            '.' | '!' | '?' | '…' => text[end..].starts_with(char::is_whitespace),
            '。' | '！' | '？' | '।' => true,
            _ => false,
        };
        ends.then_some(end)
    })
}

fn after_last(text: &str, wanted: impl Fn(char) -> bool) -> Option<usize> {
    text.char_indices().rev().find(|(_, c)| wanted(*c)).map(|(at, c)| at + c.len_utf8())
}

/// An extracted text has at most ten million characters.
fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(page: Option<u32>, heading: Option<&str>, text: &str) -> TextPart {
        TextPart { page, heading: heading.map(str::to_owned), text: text.to_owned() }
    }

    fn chunks(parts: impl IntoIterator<Item = TextPart>) -> Vec<Chunk> {
        let mut chunker = Chunker::default();
        for part in parts {
            chunker.push(part).expect("few chunks");
        }
        chunker.finish().expect("few chunks")
    }

    /// About `words` words in sentences of 12, in paragraphs of 60. With characters of several bytes.
    fn prose(words: usize) -> String {
        let word = |n: usize| {
            ["river", "straße", "of", "日本", "gives", "naïve", "the", "water", "𝔘nicode"][n * 7 % 9]
        };
        let mut text = String::new();
        for n in 1..=words {
            text.push_str(word(n));
            text.push_str(match n {
                n if n % 60 == 0 => ".\n\n",
                n if n % 12 == 0 => ". ",
                _ => " ",
            });
        }
        text
    }

    #[test]
    fn offsets_are_characters_of_the_whole_text() {
        let parts = [
            part(Some(1), None, &prose(700)),
            part(Some(1), None, "A second part of the same page."),
            part(Some(2), None, "  Another page\0.  "),
            part(Some(2), Some("Heading"), &prose(300)),
        ];
        let whole: Vec<_> = parts
            .iter()
            .map(|part| part.text.replace('\0', " "))
            .collect::<Vec<_>>()
            .join("\n")
            .chars()
            .collect();
        let chunks = chunks(parts);
        assert!(chunks.len() > 4);
        for (n, chunk) in chunks.iter().enumerate() {
            let (starts, ends) = (usize::try_from(chunk.starts), usize::try_from(chunk.ends));
            let text: String = whole[starts.expect("a place")..ends.expect("a place")].iter().collect();
            assert_eq!(chunk.text, text);
            assert_eq!(usize::try_from(chunk.ordinal), Ok(n));
            assert!(chunk.text.chars().count() <= MAX_CHARACTERS);
        }
        let second_page: Vec<_> = chunks.iter().filter(|chunk| chunk.page == Some(2)).collect();
        assert_eq!(second_page[0].text, "Another page .");
        assert_eq!(second_page[1].heading.as_deref(), Some("Heading"));
    }

    #[test]
    fn neighbours_overlap_and_no_word_is_lost() {
        let text = prose(2_000);
        let chunks = chunks([part(None, None, &text)]);
        for pair in chunks.windows(2) {
            let shared = pair[0].ends - pair[1].starts;
            assert!((0..=150).contains(&shared), "{shared}");
            assert!(pair[1].starts > pair[0].starts);
        }
        assert!(chunks.windows(2).any(|pair| pair[0].ends > pair[1].starts));
        let covered: Vec<_> = chunks.iter().flat_map(|chunk| chunk.starts..chunk.ends).collect();
        let lost = |n: &usize| !covered.contains(&i32::try_from(*n).expect("a place"));
        let lost: String = text.chars().enumerate().filter(|(n, _)| lost(n)).map(|(_, c)| c).collect();
        assert_eq!(lost.trim(), "");
    }

    #[test]
    fn chunks_of_a_text_do_not_change_under_the_same_version() {
        let chunks = chunks([part(None, None, &prose(900))]);
        let places: Vec<_> = chunks.iter().map(|chunk| (chunk.starts, chunk.ends)).collect();
        let expected = [(0, 996), (863, 1_994), (1_861, 2_992), (2_859, 3_990), (3_857, 4_988)];
        assert_eq!((CHUNKER, &*places), (1, &expected[..]));
    }

    #[test]
    fn a_text_without_characters_has_no_chunks() {
        assert_eq!(chunks([]), []);
        assert_eq!(chunks([part(Some(1), None, ""), part(Some(2), None, " \n\0 ")]), []);
    }

    #[test]
    fn limit_of_chunks_is_exact() {
        let pages = |count: usize| (0..count).map(|page| part(u32::try_from(page).ok(), None, "A page."));
        assert_eq!(chunks(pages(MAX_CHUNKS)).len(), MAX_CHUNKS);
        let mut chunker = Chunker::default();
        let refused = pages(MAX_CHUNKS + 1).try_for_each(|page| chunker.push(page)).is_err()
            || chunker.finish().is_err();
        assert!(refused);
    }

    #[test]
    fn a_chunk_ends_at_the_best_place() {
        let sentence = "Seven words make a sentence of this. ";
        let with = |between: &str| {
            let text = sentence.repeat(20) + between + &sentence.repeat(20);
            chunks([part(None, None, &text)])[0].text.clone()
        };
        assert!(with("\n\nB").ends_with("of this."));
        assert_eq!(with("\n\nB").len(), sentence.len() * 20 - 1, "the paragraph ends before other sentences");
        assert!(with("B").len() > 1_150 && with("B").ends_with("of this."));
        let words = chunks([part(None, None, &"word ".repeat(1_000))]);
        assert!(words.iter().all(|chunk| chunk.text.starts_with("word") && chunk.text.ends_with("word")));
        let lines = chunks([part(None, None, &"name: Ada; year: 1815\n".repeat(200))]);
        assert!(lines.iter().all(|chunk| chunk.text.ends_with("1815")));
        let han = chunks([part(None, None, &"水を飲む。".repeat(1_000))]);
        assert!(han.iter().all(|chunk| chunk.text.starts_with('水') && chunk.text.ends_with('。')));
    }

    /// Files that cost their sender nothing.
    #[test]
    fn time_does_not_depend_on_the_content() {
        for text in ["a", "日", "\n", "ab ", "a. ", "e\u{301}", "👩\u{200d}"] {
            let text = text.repeat(2_000_000 / text.chars().count());
            let started = std::time::Instant::now();
            let mut chunker = Chunker::default();
            chunker.push(part(None, None, &text)).expect("few chunks");
            let chunks = chunker.finish().expect("few chunks");
            assert!(chunks.iter().all(|chunk| chunk.text.chars().count() <= MAX_CHARACTERS));
            assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
        }
    }
}
