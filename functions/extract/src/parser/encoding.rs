//! From bytes in any encoding to UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use shared::domain::ingestion::MediaType;

use super::sniff;
use crate::protocol::Failure;

/// How much of a file is looked at to guess its encoding.
const SAMPLE: usize = 1 << 20;

/// Where a page must name its encoding (HTML Standard, "prescan a byte stream to determine its encoding").
const PRESCAN: usize = 1024;

/// Decodes a text.
pub fn decode(file: Vec<u8>) -> Result<String, Failure> {
    let text = match String::from_utf8(file) {
        Ok(text) => text,
        Err(error) => decode_other(&error.into_bytes()),
    };
    refuse_binary(text)
}

/// Decodes a page, which may name its encoding.
pub fn decode_html(file: Vec<u8>) -> Result<String, Failure> {
    match declared(&file[..file.len().min(PRESCAN)]) {
        Some(encoding) if encoding != UTF_8 && Encoding::for_bom(&file).is_none() => {
            refuse_binary(encoding.decode_without_bom_handling(&file).0.into_owned())
        }
        _ => decode(file),
    }
}

/// Refuses what passed as text only because its beginning is.
fn refuse_binary(text: String) -> Result<String, Failure> {
    if sniff::is_binary(text.as_bytes()) {
        Err(sniff::wrong(MediaType::PlainText, text.as_bytes()))
    } else {
        Ok(text)
    }
}

fn decode_other(bytes: &[u8]) -> String {
    let encoding = if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        encoding
    } else if let Some(is_little) = sniff::is_utf_16(&bytes[..bytes.len().min(SAMPLE)]) {
        if is_little { UTF_16LE } else { UTF_16BE }
    } else if is_damaged_utf_8(bytes) {
        UTF_8
    } else {
        guess(bytes)
    };
    encoding.decode_with_bom_removal(bytes).0.into_owned()
}

/// Checks whether nearly all characters beyond ASCII are valid UTF-8. In another encoding hardly any are.
fn is_damaged_utf_8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    invalid * 10 <= valid
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(SAMPLE)], true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Returns the encoding that `<meta charset=…>` or its older form names.
fn declared(start: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let (_, after) = start.split_once("<meta").and_then(|(_, meta)| meta.split_once("charset"))?;
    let value = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(['"', '\'', ' ', '/', '>', ';']).unwrap_or(value.len());
    let encoding = Encoding::for_label(&value.as_bytes()[..end])?;
    // A page that a reader can read as ASCII so far is not UTF-16.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, KOI8_R, SHIFT_JIS, WINDOWS_1252, WINDOWS_1256};
    use shared::domain::ingestion::FailureCode;

    use super::*;

    const GERMAN: &str =
        "Die Prüfung der Geräte dauert länger, als die Behörde für möglich hielt. Über Öfen weiß man mehr.";
    const RUSSIAN: &str =
        "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.";
    const JAPANESE: &str = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。";
    const CHINESE: &str =
        "道可道,非常道。名可名,非常名。无名天地之始;有名万物之母。故常无欲,以观其妙;常有欲,以观其徼。";
    const ARABIC: &str = "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً";

    #[test]
    fn legacy_encodings_are_found() {
        let cases = [
            (GERMAN, WINDOWS_1252),
            (RUSSIAN, encoding_rs::WINDOWS_1251),
            (RUSSIAN, KOI8_R),
            (JAPANESE, SHIFT_JIS),
            (JAPANESE, EUC_JP),
            (CHINESE, GB18030),
            (ARABIC, WINDOWS_1256),
            ("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.", EUC_KR),
            ("人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神互相對待。", BIG5),
        ];
        for (text, encoding) in cases {
            let (bytes, _, unmappable) = encoding.encode(text);
            assert!(!unmappable, "{}", encoding.name());
            assert_eq!(decode(bytes.into_owned()).as_deref(), Ok(text), "{}", encoding.name());
        }
    }

    #[test]
    fn utf_16_is_found_with_and_without_its_mark() {
        for mark in ["", "\u{feff}"] {
            let units: Vec<u16> = format!("{mark}{GERMAN}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(decode(little).as_deref(), Ok(GERMAN));
            assert_eq!(decode(big).as_deref(), Ok(GERMAN));
        }
    }

    #[test]
    fn damaged_utf_8_stays_utf_8() {
        let mut bytes = RUSSIAN.repeat(3).into_bytes();
        bytes[41] = 0xff;
        let text = decode(bytes).expect("text");
        assert!(text.contains("\u{fffd}") && text.contains("несчастлива по-своему"), "{text}");
    }

    #[test]
    fn page_names_its_encoding() {
        for meta in [
            r#"<meta charset="windows-1251">"#,
            "<META http-equiv='Content-Type' content='text/html; charset=windows-1251'>",
        ] {
            let page = format!("<html><head>{meta}</head><p>Да</p>");
            let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(&page);
            assert_eq!(decode_html(bytes.into_owned()), Ok(page));
        }
    }

    #[test]
    fn binary_behind_a_beginning_of_text_is_refused() {
        let mut bytes = vec![b'a'; 20_000];
        bytes.resize(40_000, 0);
        assert_eq!(decode(bytes).map_err(|failure| failure.code), Err(FailureCode::WrongMediaType));
    }
}
