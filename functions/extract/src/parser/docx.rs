//! Word documents (ECMA-376): a zip archive with XML.

use std::{
    collections::HashSet,
    io::{Cursor, Read},
};

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use shared::domain::ingestion::{FailureCode, MediaType};
use zip::{ZipArchive, result::ZipError};

use super::{Output, encoding, sniff};
use crate::protocol::Failure;

/// The most bytes that all parts may unpack to.
const MAX_UNPACKED: u64 = 200 << 20;

/// The most times that a part may be larger than its packed form …
const MAX_RATIO: u64 = 100;

/// … from this size: a small part that repeats itself is harmless.
const RATIO_FROM: u64 = 4 << 20;

/// The most entries of the archive.
const MAX_ENTRIES: usize = 20_000;

/// What the reader's text contains beside the document.
const NOTES: [&str; 2] = ["footnotes.xml", "endnotes.xml"];

pub fn parse(file: &[u8], output: &mut Output) -> Result<(), Failure> {
    let archive = ZipArchive::new(Cursor::new(file)).map_err(|error| unreadable(&error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(Failure::broken(format!("the archive has more than {MAX_ENTRIES} entries")));
    }
    let mut package = Package { archive, left: MAX_UNPACKED };
    let main = package.main()?;
    let Some(document) = package.read(&main)? else {
        return Err(sniff::wrong(MediaType::Docx, file));
    };
    let folder = main.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let styles = match package.read(&format!("{folder}styles.xml"))? {
        Some(styles) => headings(&styles)?,
        None => HashSet::new(),
    };
    text(&document, &styles, output)?;
    drop(document);
    for name in NOTES {
        if let Some(notes) = package.read(&format!("{folder}{name}"))? {
            text(&notes, &styles, output)?;
        }
    }
    Ok(())
}

struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Package<'_> {
    /// Returns the name of the document's part: it is usually `word/document.xml`, but the relationships of the package decide.
    fn main(&mut self) -> Result<String, Failure> {
        let mut target = None;
        if let Some(relationships) = self.read("_rels/.rels")? {
            events(&relationships, |event| {
                if let Event::Start(element) | Event::Empty(element) = event
                    && attribute(element, "Type").is_some_and(|kind| kind.ends_with("/officeDocument"))
                {
                    target = attribute(element, "Target");
                }
                Ok(())
            })?;
        }
        let target = target.unwrap_or_else(|| "word/document.xml".to_owned());
        Ok(target.trim_start_matches('/').to_owned())
    }

    /// Unpacks a part; `None` if the archive has no part with this name.
    fn read(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let packed = entry.compressed_size();
        let allowed = self.left.min(RATIO_FROM.max(packed.saturating_mul(MAX_RATIO)));
        // What the archive says about sizes may be a lie: the bytes are counted.
        let mut bytes = Vec::new();
        let read = entry.take(allowed + 1).read_to_end(&mut bytes);
        // The name can come from the file, so no detail repeats it.
        let size = read.map_err(|_| Failure::broken("a part of the archive cannot be unpacked"))? as u64;
        if size > allowed {
            let detail = format!("a part of the archive unpacks from {packed} to more than {allowed} bytes");
            return Err(Failure::new(FailureCode::TooMuchText, detail));
        }
        self.left -= size;
        encoding::decode(bytes).map(Some).map_err(|_| Failure::broken("a part of the archive is not text"))
    }
}

fn unreadable(error: &ZipError) -> Failure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            FailureCode::EncryptedFile.into()
        }
        _ => Failure::broken("the archive cannot be read; it may be incomplete"),
    }
}

/// Passes on the events of an XML part. A document type is refused: it could define entities, and no such document has one.
fn events(xml: &str, mut handle: impl FnMut(&Event) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut open = 0_u32;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) if open > 0 => {
                return Err(Failure::broken("malformed XML: elements are not closed"));
            }
            Ok(Event::Eof) => return Ok(()),
            Ok(Event::DocType(_)) => {
                return Err(Failure::broken("the document has a document type definition"));
            }
            Ok(event) => {
                match event {
                    Event::Start(_) => open += 1,
                    Event::End(_) => open = open.saturating_sub(1),
                    _ => {}
                }
                handle(&event)?;
            }
            Err(_) => {
                let at = reader.error_position();
                return Err(Failure::broken(format!("malformed XML at byte {at}")));
            }
        }
    }
}

/// Returns an attribute of any namespace.
fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().into_inner() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

/// Returns the styles of paragraphs that are headings. Their ids are in the language of the author, their names are not.
fn headings(styles: &str) -> Result<HashSet<String>, Failure> {
    let (mut found, mut style) = (HashSet::new(), None);
    events(styles, |event| {
        let (Event::Start(element) | Event::Empty(element)) = event else { return Ok(()) };
        match element.local_name().into_inner() {
            "style" => style = attribute(element, "styleId"),
            "name" => {
                let name = attribute(element, "val").unwrap_or_default().to_lowercase();
                if name == "title" || name.strip_prefix("heading ").is_some_and(is_level) {
                    found.extend(style.clone());
                }
            }
            "outlineLvl" if is_outline(element) => found.extend(style.clone()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn is_level(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1'..=b'9'])
}

/// Level 9 is the text itself.
fn is_outline(element: &BytesStart) -> bool {
    attribute(element, "val").is_some_and(|level| matches!(level.as_bytes(), [b'0'..=b'8']))
}

/// Writes the text of a part.
fn text(xml: &str, styles: &HashSet<String>, output: &mut Output) -> Result<(), Failure> {
    let mut paragraph = Paragraph::default();
    // Elements whose content is shown in another form beside it, or not at all.
    let mut skipped = 0_u32;
    let mut in_text = false;
    events(xml, |event| match event {
        Event::Start(element) => {
            let name = element.local_name();
            let name = name.into_inner();
            if skipped > 0 || matches!(name, "Fallback" | "del" | "moveFrom") {
                skipped += 1;
                return Ok(());
            }
            in_text = name == "t";
            paragraph.open(name, element, styles, output)
        }
        Event::Empty(element) if skipped == 0 => {
            let name = element.local_name();
            let name = name.into_inner();
            if matches!(name, "p" | "t") { Ok(()) } else { paragraph.open(name, element, styles, output) }
        }
        Event::End(element) => {
            if skipped > 0 {
                skipped -= 1;
                return Ok(());
            }
            in_text = false;
            let name = element.local_name();
            paragraph.close(name.into_inner(), output)
        }
        Event::Text(text) if in_text && skipped == 0 => paragraph.push(&text.xml10_content(), output),
        Event::CData(text) if in_text && skipped == 0 => paragraph.push(&text.xml10_content(), output),
        Event::GeneralRef(reference) if in_text && skipped == 0 => {
            let character = match reference.resolve_char_ref() {
                Ok(Some(character)) => character.to_string(),
                _ => match quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()) {
                    Some(text) => text.to_owned(),
                    None => return Err(Failure::broken("the document uses an entity that is not defined")),
                },
            };
            paragraph.push(&character, output)
        }
        _ => Ok(()),
    })?;
    paragraph.end(output)
}

/// The paragraph that is open. Text boxes have paragraphs in a paragraph: their text ends the outer one.
#[derive(Default)]
struct Paragraph {
    is_heading: bool,
    heading: String,
    /// How many table cells are open.
    cells: u32,
}

impl Paragraph {
    fn open(
        &mut self,
        name: &str,
        element: &BytesStart,
        styles: &HashSet<String>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        match name {
            "p" => self.end(output),
            "pStyle" => {
                self.is_heading |= attribute(element, "val").is_some_and(|style| styles.contains(&style));
                Ok(())
            }
            "outlineLvl" => {
                self.is_heading |= is_outline(element);
                Ok(())
            }
            "tc" => {
                self.cells += 1;
                Ok(())
            }
            "tab" | "ptab" => self.push("\t", output),
            "br" | "cr" => self.push("\n", output),
            "noBreakHyphen" => self.push("-", output),
            _ => Ok(()),
        }
    }

    fn close(&mut self, name: &str, output: &mut Output) -> Result<(), Failure> {
        match name {
            "p" => {
                self.end(output)?;
                output.text(if self.cells > 0 { " " } else { "\n\n" })
            }
            "tc" => {
                self.cells = self.cells.saturating_sub(1);
                output.text("\t")
            }
            "tr" => output.text("\n"),
            "tbl" => output.text("\n\n"),
            _ => Ok(()),
        }
    }

    fn push(&mut self, text: &str, output: &mut Output) -> Result<(), Failure> {
        // A heading of a size that no heading has is text.
        if self.is_heading && self.cells == 0 && self.heading.len() < 4000 {
            self.heading.push_str(text);
            return Ok(());
        }
        super::plain::chunks(text).try_for_each(|chunk| output.text(chunk))
    }

    fn end(&mut self, output: &mut Output) -> Result<(), Failure> {
        self.is_heading = false;
        let heading = std::mem::take(&mut self.heading);
        if heading.len() < 1000 { output.heading(&heading) } else { output.text(&heading) }
    }
}
