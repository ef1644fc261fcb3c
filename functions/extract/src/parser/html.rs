//! Pages: the text that a reader sees, by the tokens of the page.
//!
//! No tree is built. So a page that nests a million elements costs nothing, and elements that are never closed do no harm.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use super::{Output, plain};
use crate::protocol::Failure;

/// Elements whose content a reader does not see. The tokenizer returns each content as one text.
const HIDDEN: &[&[u8]] = &[b"script", b"style", b"noscript", b"iframe", b"noembed", b"noframes"];

/// Elements that begin and end lines.
const BLOCKS: &[&[u8]] = &[
    b"address",
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"caption",
    b"center",
    b"dd",
    b"details",
    b"dialog",
    b"div",
    b"dl",
    b"dt",
    b"fieldset",
    b"figcaption",
    b"figure",
    b"footer",
    b"form",
    b"head",
    b"header",
    b"hgroup",
    b"hr",
    b"html",
    b"legend",
    b"li",
    b"main",
    b"menu",
    b"nav",
    b"ol",
    b"optgroup",
    b"option",
    b"p",
    b"pre",
    b"search",
    b"section",
    b"select",
    b"summary",
    b"table",
    b"tbody",
    b"tfoot",
    b"thead",
    b"tr",
    b"ul",
];

/// Elements whose ends are followed by an empty line.
const PARAGRAPHS: &[&[u8]] =
    &[b"p", b"table", b"ul", b"ol", b"dl", b"pre", b"blockquote", b"section", b"article"];

/// The most bytes that are taken for a heading. One that is never closed would be the whole page.
const MAX_HEADING_BYTES: usize = 2000;

pub fn parse(page: &str, output: &mut Output) -> Result<(), Failure> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut writer =
        Writer { output, heading: None, hidden: false, preformatted: 0, at_word: false, in_row: false };
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => writer.open(&tag)?,
            Token::EndTag(tag) => writer.close(&tag.name)?,
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text))?,
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    writer.end_heading()
}

struct Writer<'a, 'b> {
    output: &'a mut Output<'b>,
    /// The text of the heading that is open.
    heading: Option<String>,
    hidden: bool,
    /// How many `pre` are open.
    preformatted: u32,
    /// Whether the next word needs a blank before it: the text before it ended with one.
    at_word: bool,
    /// Whether the row has a cell.
    in_row: bool,
}

impl Writer<'_, '_> {
    fn open(&mut self, tag: &StartTag<()>) -> Result<(), Failure> {
        let name = tag.name.as_slice();
        self.hidden = HIDDEN.contains(&name);
        if is_heading(name) {
            self.end_heading()?;
            self.line()?;
            self.heading = Some(String::new());
        } else if BLOCKS.contains(&name) {
            self.line()?;
        }
        match name {
            b"br" => self.line(),
            b"tr" => {
                self.in_row = false;
                Ok(())
            }
            b"td" | b"th" => {
                self.at_word = false;
                if std::mem::replace(&mut self.in_row, true) { self.write("\t") } else { Ok(()) }
            }
            b"li" => self.write("- "),
            b"pre" => {
                self.preformatted += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self, name: &[u8]) -> Result<(), Failure> {
        self.hidden = false;
        if is_heading(name) {
            self.at_word = false;
            return self.end_heading();
        }
        if name == b"pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        if BLOCKS.contains(&name) {
            self.line()?;
        }
        if PARAGRAPHS.contains(&name) { self.line() } else { Ok(()) }
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.hidden {
            return Ok(());
        }
        if self.preformatted > 0 && self.heading.is_none() {
            return plain::chunks(text).try_for_each(|chunk| self.output.text(chunk));
        }
        for chunk in plain::chunks(text) {
            let is_space = |character: char| character.is_ascii_whitespace();
            self.at_word |= chunk.starts_with(is_space);
            for word in chunk.split_ascii_whitespace() {
                if std::mem::replace(&mut self.at_word, true) {
                    self.write(" ")?;
                }
                self.write(word)?;
            }
            self.at_word &= chunk.ends_with(is_space);
        }
        Ok(())
    }

    fn line(&mut self) -> Result<(), Failure> {
        self.at_word = false;
        self.write("\n")
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let Some(heading) = &mut self.heading else { return self.output.text(text) };
        heading.push_str(text);
        if heading.len() > MAX_HEADING_BYTES { self.end_heading() } else { Ok(()) }
    }

    fn end_heading(&mut self) -> Result<(), Failure> {
        let Some(heading) = self.heading.take() else { return Ok(()) };
        if heading.len() > MAX_HEADING_BYTES {
            self.output.text(&heading)
        } else {
            self.output.heading(&heading)
        }
    }
}

fn is_heading(name: &[u8]) -> bool {
    matches!(name, b"title" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6")
}

#[cfg(test)]
mod tests {
    use crate::parser::testing::{Parts, summary};

    fn parts(page: &str) -> Parts {
        summary("text/html", page).expect("text")
    }

    #[test]
    fn text_is_what_a_reader_sees() {
        let page = "<!DOCTYPE html><html><head><title>The\n title</title><style>p { color: red }</style></head><body>
            <script>var hidden = '<p>hidden</p>';</script><!-- hidden -->
            <h1>One &amp; <b>on</b>ly</h1><p>A  <i>b</i>c, d&eacute;<br>e</p><ul><li>x<li>y</ul>
            <table><tr><td>1<td>2<tr><td>3</table><pre>a\n  b</pre><noscript><img src=x>hidden</noscript>
            <h2></h2><h2>Two</h2>last</body></html>";
        let heading = |text: &str| Some(text.to_owned());
        assert_eq!(
            parts(page),
            [
                (None, heading("The title"), "The title".into()),
                (
                    None,
                    heading("One & only"),
                    "One & only\n\nA bc, d\u{e9}\ne\n\n- x\n- y\n\n1\t2\n3\n\na\n  b".into()
                ),
                (None, heading("Two"), "Two\nlast".into()),
            ]
        );
    }

    #[test]
    fn a_million_nested_elements_are_text() {
        let page = format!("{}deep{}", "<div><b>".repeat(1_000_000), "</b></div>".repeat(1_000_000));
        assert_eq!(parts(&page), [(None, None, "deep".into())]);
    }

    #[test]
    fn heading_that_is_never_closed_is_text() {
        let page = format!("<h1>{}", "word ".repeat(100_000));
        let parts = parts(&page);
        assert!(parts.iter().all(|part| part.1.is_none()));
        assert_eq!(parts.iter().map(|part| part.2.split_whitespace().count()).sum::<usize>(), 100_000);
    }
}
