//! The parser process as the function starts it: the real program, with files that are good, empty, broken, encrypted, huge or bombs.

mod files;

use std::{collections::VecDeque, fs, os::unix::fs::PermissionsExt, time::Duration};

use extract::{
    extraction::{Extraction, Parser},
    parser,
    protocol::Failure,
};
use files::{DOCX, archive, docx, page_object, paragraph, pdf, pdf_of, stream};
use flate2::{Compression, write::ZlibEncoder};
use shared::domain::ingestion::{FailureCode, TextPart};
use std::io::Write;
use tokio::time::Instant;

const PDF: &str = "application/pdf";

fn program() -> Parser {
    Parser { program: env!("CARGO_BIN_EXE_extract").into(), ..Parser::default() }
}

/// Feeds `file` to a parser process in pieces.
async fn run(parser: &Parser, media_type: &str, file: &[u8]) -> anyhow::Result<Extraction> {
    let mut pieces: VecDeque<_> = file.chunks(64 << 10).map(<[u8]>::to_vec).collect();
    parser.run(parser::media_type(media_type).expect("a known type"), async || Ok(pieces.pop_front())).await
}

/// Returns the parts of a file, or why it has none.
async fn extract(media_type: &str, file: &[u8]) -> Result<Vec<TextPart>, Failure> {
    let extraction = run(&program(), media_type, file).await.expect("an extraction");
    assert!(extraction.filtered, "the kernel of the tests accepts filters");
    assert_eq!(extraction.size, file.len() as u64);
    extraction.outcome.map(|text| {
        let lines = zstd::decode_all(text.packed.as_slice()).expect("zstd");
        let parts: Vec<TextPart> = serde_json::Deserializer::from_slice(&lines)
            .into_iter()
            .map(|part| part.expect("a part"))
            .collect();
        assert_eq!(text.characters, parts.iter().map(|part| part.text.chars().count() as u64).sum::<u64>());
        parts
    })
}

async fn text(media_type: &str, file: &[u8]) -> String {
    let parts = extract(media_type, file).await.expect("text");
    parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join("\n")
}

async fn failure(media_type: &str, file: &[u8]) -> FailureCode {
    extract(media_type, file).await.expect_err("no text").code
}

#[tokio::test]
async fn each_kind_of_file_has_its_text() {
    for (media_type, file) in [
        ("text/plain; charset=utf-8", b"The quick brown fox".to_vec()),
        ("text/markdown", b"# One\n\nThe quick brown fox".to_vec()),
        ("TEXT/HTML", b"<h1>One</h1><p>The <b>quick</b>\nbrown fox".to_vec()),
        ("text/csv", b"a,b\nThe quick brown fox,2\n".to_vec()),
        (PDF, pdf(&["The quick brown fox"])),
        (DOCX, docx(&paragraph("The quick brown fox"))),
    ] {
        assert!(text(media_type, &file).await.contains("The quick brown fox"), "{media_type}");
    }
}

#[tokio::test]
async fn pages_and_headings_are_kept() {
    let parts =
        extract(PDF, &pdf(&["First page", "", "Third page\nwith a divi-\nded word"])).await.expect("text");
    let parts: Vec<_> = parts.iter().map(|part| (part.page, part.text.as_str())).collect();
    assert_eq!(parts[0], (Some(1), "First page"));
    assert_eq!(parts[1].0, Some(3));
    assert!(parts[1].1.contains("divided word"), "{parts:?}");

    let body = r#"<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Ti</w:t></w:r><w:r><w:t>tle</w:t></w:r></w:p>
        <w:p><w:r><w:t>one &amp; t&#119;o</w:t><w:tab/><w:t>three</w:t><w:br/></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
        <mc:AlternateContent><mc:Choice><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Choice>
        <mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"#;
    let parts = extract(DOCX, &docx(body)).await.expect("text");
    let expected = TextPart {
        page: None,
        heading: Some("Title".to_owned()),
        text: "Title\n\none & two\tthree\n\na \tb\n\nbox".to_owned(),
    };
    assert_eq!(parts, [expected]);
}

#[tokio::test]
async fn empty_and_blank_files_say_so() {
    for media_type in ["text/plain", "text/markdown", "text/html", "text/csv", PDF, DOCX] {
        assert_eq!(failure(media_type, b"").await, FailureCode::EmptyFile, "{media_type}");
    }
    for (media_type, file) in [
        ("text/plain", b" \n\n ".to_vec()),
        ("text/html", b"<html><script>var a</script><p> </p></html>".to_vec()),
        ("text/csv", b",,\n,,\n".to_vec()),
        (PDF, pdf(&["", ""])),
        (DOCX, docx(&paragraph(" "))),
    ] {
        assert_eq!(failure(media_type, &file).await, FailureCode::NoText, "{media_type}");
    }
}

#[tokio::test]
async fn content_of_another_type_is_refused() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec();
    for media_type in ["text/plain", "text/markdown", "text/html", "text/csv", PDF, DOCX] {
        let failure = extract(media_type, &png).await.expect_err("a picture");
        assert_eq!(failure.code, FailureCode::WrongMediaType, "{media_type}");
        assert_eq!(
            failure.detail.as_deref(),
            Some(format!("the file is image/png, not {media_type}").as_str())
        );
    }
    assert_eq!(failure("text/plain", &pdf(&["text"])).await, FailureCode::WrongMediaType);
    assert_eq!(failure(PDF, b"just text").await, FailureCode::WrongMediaType);
    assert_eq!(failure(DOCX, &pdf(&["text"])).await, FailureCode::WrongMediaType);
    assert_eq!(failure(DOCX, &archive(&[("other.txt", b"text")])).await, FailureCode::WrongMediaType);
    let old_word = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 4096]].concat();
    assert_eq!(failure(DOCX, &old_word).await, FailureCode::WrongMediaType);
}

#[tokio::test]
async fn damaged_files_are_broken() {
    let (good_pdf, good_docx) = (pdf(&["some text"]), docx(&paragraph("some text")));
    for (name, media_type, file) in [
        ("PDF, first half", PDF, good_pdf[..good_pdf.len() / 2].to_vec()),
        ("PDF, header", PDF, b"%PDF-1.7\n".to_vec()),
        ("PDF, noise", PDF, [b"%PDF-1.7\n".as_slice(), &noise(50_000)].concat()),
        ("docx, first half", DOCX, good_docx[..good_docx.len() / 2].to_vec()),
        ("docx, noise", DOCX, [b"PK\x03\x04".as_slice(), &noise(50_000)].concat()),
        ("docx, malformed XML", DOCX, docx("<w:p><w:r><w:t>text</w:r></w:p>")),
    ] {
        assert_eq!(failure(media_type, &file).await, FailureCode::BrokenFile, "{name}");
    }
}

#[tokio::test]
async fn pdf_with_a_wrong_table_of_objects_is_read() {
    let good = String::from_utf8(pdf(&["First page", "Second page"])).expect("ASCII");
    // As after a transfer as text.
    let lines = good.replace('\n', "\r\n");
    let no_table = good.replace("xref\n0 8\n", "xref\n0 8 \n\n");
    let no_root = good.replace("xref\n", "\n").replace("/Root", "/Other");
    for (name, file) in [("line ends", lines), ("table", no_table), ("trailer", no_root)] {
        let text = text(PDF, file.as_bytes()).await;
        assert!(text.contains("First page") && text.contains("Second page"), "{name}: {text}");
    }
}

#[tokio::test]
async fn encrypted_files_say_so_unless_the_password_is_empty() {
    use pdf_extract::{Document, EncryptionState, EncryptionVersion, Permissions};
    for (user_password, expected) in [("secret", Err(FailureCode::EncryptedFile)), ("", Ok("some text"))] {
        let mut document = Document::load_mem(&pdf(&["some text"])).expect("a document");
        let id = pdf_extract::Object::string_literal("0123456789abcdef");
        document.trailer.set("ID", vec![id.clone(), id]);
        let version = EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).expect("a state");
        document.encrypt(&state).expect("encrypted");
        let mut file = Vec::new();
        document.save_to(&mut file).expect("saved");
        let outcome = extract(PDF, &file).await;
        let outcome = outcome.as_ref().map(|parts| parts[0].text.as_str()).map_err(|failure| failure.code);
        assert_eq!(outcome, expected, "{user_password}");
    }
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let docx = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 1024], &name, &[0; 512]].concat();
    assert_eq!(failure(DOCX, &docx).await, FailureCode::EncryptedFile);
}

#[tokio::test]
async fn bombs_are_refused_and_the_next_file_is_unharmed() {
    let megabyte = "a".repeat(1 << 20);
    let zip_bomb = docx(&paragraph(&megabyte.repeat(60)));
    assert!(zip_bomb.len() < 1 << 20, "{}", zip_bomb.len());
    let deep_html = format!("{}deep", "<div>".repeat(1_000_000));
    let entities =
        r#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:p><w:r><w:t>&e;</w:t></w:r></w:p>"#;
    let external = archive(&[("word/document.xml", entities.as_bytes())]);
    let undefined = docx("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>");
    let deep_docx = docx(&"<w:x>".repeat(800_000));
    let long_line = megabyte.repeat(100);
    let files = [
        ("zip bomb", DOCX, zip_bomb, FailureCode::TooMuchText),
        ("external entity", DOCX, external, FailureCode::BrokenFile),
        ("undefined entity", DOCX, undefined, FailureCode::BrokenFile),
        ("elements that are never closed", DOCX, deep_docx, FailureCode::BrokenFile),
        ("a line of 100 MiB", "text/plain", long_line.clone().into_bytes(), FailureCode::TooMuchText),
        ("a line of 100 MiB", "text/markdown", long_line.clone().into_bytes(), FailureCode::TooMuchText),
        ("a line of 100 MiB", "text/html", long_line.clone().into_bytes(), FailureCode::TooMuchText),
        ("a field of 100 MiB", "text/csv", long_line.into_bytes(), FailureCode::TooMuchText),
        ("a million columns", "text/csv", "a,".repeat(1_000_000).into_bytes(), FailureCode::BrokenFile),
        (
            "too many rows",
            "text/csv",
            "name,value\n1,22222222\n".repeat(1_000_000).into_bytes(),
            FailureCode::TooMuchText,
        ),
        ("nested arrays", PDF, nested_pdf(), FailureCode::BrokenFile),
        ("form that contains itself", PDF, looping_pdf(), FailureCode::ExtractionCrashed),
        ("page tree that contains itself", PDF, looping_pages(), FailureCode::BrokenFile),
        ("previous table that is the same", PDF, looping_tables(), FailureCode::BrokenFile),
        ("stream of 2 GiB", PDF, stream_bomb(), FailureCode::ExtractionCrashed),
    ];
    for (name, media_type, file, expected) in files {
        let begin = Instant::now();
        assert_eq!(failure(media_type, &file).await, expected, "{name}");
        assert!(begin.elapsed() < Duration::from_secs(30), "{name}: {:?}", begin.elapsed());
        assert_eq!(text("text/plain", b"the next file").await, "the next file", "{name}");
    }
    assert_eq!(text("text/html", deep_html.as_bytes()).await, "deep");
}

/// A process that is not the parser: what a file that has taken it over could do.
#[tokio::test]
async fn hostile_process_is_ended_and_not_trusted() {
    let folder = std::env::temp_dir().join(format!("hostile-parsers-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let cases = [
        ("crash", "kill -SEGV $$", FailureCode::ExtractionCrashed),
        ("cpu", "kill -XCPU $$", FailureCode::ExtractionTimedOut),
        ("memory", "kill -KILL $$", FailureCode::ExtractionCrashed),
        ("hang", "cat > /dev/null; sleep 600", FailureCode::ExtractionTimedOut),
        ("silence", "exit 0", FailureCode::ExtractionCrashed),
        ("garbage", "echo garbage; sleep 600", FailureCode::ExtractionCrashed),
        ("endless line", "cat /dev/zero", FailureCode::ExtractionCrashed),
        (
            "endless text",
            r#"yes '{"part":{"text":"0123456789012345678901234567890123456789012345678901234567890123456789"}}'"#,
            FailureCode::TooMuchText,
        ),
        (
            "after the end",
            r#"echo '"done"'; echo '{"part":{"text":"x"}}'; sleep 600"#,
            FailureCode::ExtractionCrashed,
        ),
        ("half a line", r#"printf '{"part":{"text":"x'"#, FailureCode::ExtractionCrashed),
        (
            "unknown code",
            r#"echo '{"failed":{"code":"other","detail":null}}'"#,
            FailureCode::ExtractionCrashed,
        ),
        (
            "panic",
            r#"echo '{"panicked":"src/lib.rs:1:1 <text of the file>"}'"#,
            FailureCode::ExtractionCrashed,
        ),
    ];
    let file = vec![b'x'; 1 << 20];
    for (name, script, expected) in cases {
        let program = folder.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        let parser = Parser { program, wall_time: Duration::from_secs(5) };
        let extraction = run(&parser, "text/plain", &file).await.expect("an extraction");
        assert_eq!(extraction.outcome.expect_err("no text").code, expected, "{name}");
        assert_eq!(extraction.size, 1 << 20, "{name}: the file is hashed to its end");
        if name == "panic" {
            assert_eq!(extraction.panicked.as_deref(), Some("src/lib.rs:1:1textofthefile"));
        }
    }
    fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test]
async fn failure_that_is_not_of_the_file_is_an_error() {
    let missing = Parser { program: "/nonexistent".into(), ..Parser::default() };
    assert!(run(&missing, "text/plain", b"x").await.is_err());
    let parser = program();
    let media_type = parser::media_type("text/plain").expect("a known type");
    let reset = parser
        .run(media_type, async || -> anyhow::Result<Option<Vec<u8>>> { anyhow::bail!("connection reset") })
        .await;
    assert!(reset.is_err_and(|error| error.to_string() == "connection reset"));
    let slow = Parser { wall_time: Duration::from_millis(200), ..program() };
    let hang = async || -> anyhow::Result<Option<Vec<u8>>> { std::future::pending().await };
    let error = slow.run(media_type, hang).await.err().expect("no extraction");
    assert_eq!(error.to_string(), "read the file: deadline exceeded");
}

/// Bytes without meaning, the same in each run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The objects of a document with one page: catalogue, pages, resource 3, page, content.
fn one_page(third: Vec<u8>, page: Vec<u8>, content: Vec<u8>) -> Vec<u8> {
    pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_vec(),
        third,
        page,
        content,
    ])
}

fn nested_pdf() -> Vec<u8> {
    let nested = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    one_page(b"null".to_vec(), nested.into_bytes(), stream("", b""))
}

/// A page that draws a form, which draws itself.
fn looping_pdf() -> Vec<u8> {
    let resources = "/Resources << /XObject << /F 3 0 R >> >>";
    let form = stream(&format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}"), b"/F Do");
    let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} /Contents 5 0 R >>");
    one_page(form, page.into_bytes(), stream("", b"/F Do"))
}

fn looping_pages() -> Vec<u8> {
    pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>".to_vec(),
        b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Parent 2 0 R /Count 2 >>".to_vec(),
    ])
}

fn looping_tables() -> Vec<u8> {
    let file = String::from_utf8(looping_pages()).expect("ASCII");
    let start = file.find("xref\n").expect("a table");
    file.replace("/Root", &format!("/Prev {start} /Root")).into_bytes()
}

fn stream_bomb() -> Vec<u8> {
    let pack = |bytes: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("packed");
        encoder.finish().expect("packed")
    };
    // Packed twice: 2 GiB become some kilobytes.
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 16 << 20];
    (0..128).for_each(|_| encoder.write_all(&zeros).expect("packed"));
    let bomb = pack(&encoder.finish().expect("packed"));
    assert!(bomb.len() < 1 << 20);
    one_page(b"null".to_vec(), page_object(5), stream("/Filter [/FlateDecode /FlateDecode]", &bomb))
}
