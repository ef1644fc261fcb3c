//! Collects text, cleans it and cuts it into parts.

use shared::domain::ingestion::{FailureCode, MAX_CHARACTERS, TextPart};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::protocol::{Failure, MAX_HEADING, MAX_PART};

/// Text on its way out of a parser. Pages and headings begin a new part.
pub struct Output<'a> {
    sink: &'a mut dyn FnMut(TextPart),
    page: Option<u32>,
    heading: Option<String>,
    text: String,
    /// In `text`.
    characters: usize,
    /// In the parts that have been written.
    written: usize,
}

impl<'a> Output<'a> {
    pub fn new(sink: &'a mut dyn FnMut(TextPart)) -> Self {
        Self { sink, page: None, heading: None, text: String::new(), characters: 0, written: 0 }
    }

    /// Begins a page. The heading of the page before stays.
    pub fn page(&mut self, number: u32) {
        self.flush();
        self.page = Some(number);
    }

    /// Begins the text below a heading. The heading is a part of the text, too.
    pub fn heading(&mut self, text: &str) -> Result<(), Failure> {
        let words: Vec<_> = text.split_whitespace().collect();
        if words.is_empty() {
            return Ok(());
        }
        self.flush();
        let mut heading = String::new();
        clean(&words.join(" "), |character| heading.push(character));
        self.heading = Some(heading.chars().take(MAX_HEADING).collect());
        self.text(&heading)?;
        self.text("\n")
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        clean(text, |character| push(&mut self.text, &mut self.characters, character));
        // Several parts, so that a long text is copied once.
        if self.characters > MAX_PART * 8 {
            self.write_parts(MAX_PART);
        }
        if self.written + self.characters > MAX_CHARACTERS {
            let detail = format!("the file has more than {MAX_CHARACTERS} characters of text");
            return Err(Failure::new(FailureCode::TooMuchText, detail));
        }
        Ok(())
    }

    /// Writes what is left. A file without any text is a failure.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.flush();
        if self.written == 0 { Err(FailureCode::NoText.into()) } else { Ok(()) }
    }

    fn flush(&mut self) {
        self.write_parts(0);
        self.text.clear();
        self.characters = 0;
    }

    /// Writes parts until at most `keep` characters are left.
    fn write_parts(&mut self, keep: usize) {
        let mut rest = self.text.as_str();
        let mut left = self.characters;
        while left > keep {
            let end = cut(rest);
            let (part, after) = rest.split_at(end);
            rest = after;
            left -= part.chars().count();
            let text = part.trim();
            if text.is_empty() {
                continue;
            }
            self.written += text.chars().count();
            let (page, heading) = (self.page, self.heading.clone());
            (self.sink)(TextPart { page, heading, text: text.to_owned() });
        }
        self.text = rest.to_owned();
        self.characters = left;
    }
}

/// Returns where a part ends, in bytes: after a paragraph, a line or a word, if there is one in the second half.
fn cut(text: &str) -> usize {
    let Some((end, _)) = text.char_indices().nth(MAX_PART) else { return text.len() };
    let (half, _) = text.char_indices().nth(MAX_PART / 2).unwrap_or_default();
    for separator in ["\n\n", "\n", ". ", "。", " "] {
        if let Some(at) = text[half..end].rfind(separator) {
            return half + at + separator.len();
        }
    }
    end
}

/// Appends a character. Never more than one empty line, and no blanks at the end of a line.
fn push(text: &mut String, count: &mut usize, character: char) {
    if character == '\n' {
        while text.ends_with([' ', '\t']) {
            text.pop();
            *count -= 1;
        }
        if text.is_empty() || text.ends_with("\n\n") {
            return;
        }
    }
    text.push(character);
    *count += 1;
}

/// Passes on the characters of `text`: composed, without control characters and without other forms of the same letter.
fn clean(text: &str, mut take: impl FnMut(char)) {
    let mut after_return = false;
    let mut one = |character: char| {
        let is_line_feed = character == '\n';
        match character {
            '\n' if after_return => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' => take('\n'),
            '\u{2029}' => {
                take('\n');
                take('\n');
            }
            '\t' => take('\t'),
            // A blank for each kind of space that no one can type.
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => take(' '),
            // Soft hyphens, marks of the byte order, noncharacters.
            '\u{ad}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {}
            character if character.is_control() => {}
            // Ligatures, Arabic and Hebrew forms that fonts select, radicals that PDFs have in place of ideographs.
            '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fd5}' => {
                character.to_string().nfkc().for_each(&mut take);
            }
            character => take(character),
        }
        after_return = character == '\r' && !is_line_feed;
    };
    if text.is_ascii() || is_nfc(text) { text.chars().for_each(one) } else { text.nfc().for_each(&mut one) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(work: impl FnOnce(&mut Output) -> Result<(), Failure>) -> (Vec<TextPart>, Result<(), Failure>) {
        let mut parts = Vec::new();
        let mut sink = |part| parts.push(part);
        let mut output = Output::new(&mut sink);
        let done = work(&mut output).and_then(|()| output.finish());
        (parts, done)
    }

    #[test]
    fn text_is_cleaned() {
        let raw = "a\r\nb\rc \t\n\n\n\n\u{0}d\u{7}e\u{ad}f\u{fb01}n\u{a0}g e\u{301} \u{fe8d}\u{2f00}\u{feff}";
        let (parts, _) = run(|output| output.text(raw));
        assert_eq!(parts[0].text, "a\nb\nc\n\ndeffin g \u{e9} \u{627}\u{4e00}");
    }

    #[test]
    fn long_text_is_cut_after_words_and_nothing_is_lost() {
        let word = "word ".repeat(MAX_PART);
        let (parts, done) = run(|output| {
            word.as_bytes()
                .chunks(70_001)
                .try_for_each(|part| output.text(std::str::from_utf8(part).expect("ASCII")))
        });
        done.expect("text");
        assert!(parts.len() >= 5 && parts.iter().all(|part| part.text.len() <= MAX_PART));
        let words = parts.iter().flat_map(|part| part.text.split(' '));
        assert_eq!(words.filter(|found| *found == "word").count(), MAX_PART);
    }

    #[test]
    fn text_without_a_blank_is_cut_too() {
        let (parts, done) = run(|output| output.text(&"字".repeat(MAX_PART * 3 + 1)));
        done.expect("text");
        let lengths: Vec<_> = parts.iter().map(|part| part.text.chars().count()).collect();
        assert_eq!(lengths, [MAX_PART, MAX_PART, MAX_PART, 1]);
    }

    #[test]
    fn too_much_text_is_refused_before_it_is_collected() {
        let piece = "x".repeat(1 << 20);
        let (_, done) = run(|output| (0..100).try_for_each(|_| output.text(&piece)));
        assert_eq!(done.map_err(|failure| failure.code), Err(FailureCode::TooMuchText));
    }

    #[test]
    fn blank_text_is_no_text() {
        let (parts, done) = run(|output| output.text(" \n\t\u{0}\u{feff}\n"));
        assert_eq!((parts.len(), done), (0, Err(FailureCode::NoText.into())));
    }

    #[test]
    fn pages_and_headings_begin_parts() {
        let (parts, _) = run(|output| {
            output.page(1);
            output.text("before")?;
            output.heading(" The\n title ")?;
            output.text("below")?;
            output.page(2);
            output.text("next")
        });
        let parts: Vec<_> =
            parts.iter().map(|part| (part.page, part.heading.as_deref(), part.text.as_str())).collect();
        let heading = Some("The title");
        assert_eq!(
            parts,
            [(Some(1), None, "before"), (Some(1), heading, "The title\nbelow"), (Some(2), heading, "next")]
        );
    }
}
