//! What a parser process writes that a file has taken over: lines of the protocol that a parser does not write. And what the files
//! themselves could smuggle into such lines.

use std::{
    env, fs,
    io::{BufRead, BufReader, Cursor, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use extract::{
    extraction::{Extraction, Parser, WALL_TIME},
    parser,
    protocol::Failure,
};
use shared::domain::ingestion::{FailureCode, MAX_CHARACTERS, MAX_TEXT_BYTES, MediaType};
use zip::{ZipWriter, write::SimpleFileOptions};

const PROGRAM: &str = env!("CARGO_BIN_EXE_extract");

async fn run(parser: &Parser, media_type: &str, file: &[u8]) -> Extraction {
    let mut pieces: Vec<_> = file.chunks(64 << 10).rev().map(<[u8]>::to_vec).collect();
    let next = async || Ok(pieces.pop());
    parser.run(parser::media_type(media_type).expect("a known type"), next).await.expect("an extraction")
}

/// Returns what comes of `lines`, written by a process in place of the parser.
async fn outcome_of(name: &str, lines: &str) -> Result<u64, Failure> {
    let folder = env::temp_dir().join(format!("forged-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (program, output) = (folder.join("parser"), folder.join("output"));
    fs::write(&output, lines).expect("the output");
    fs::write(&program, format!("#!/bin/sh\ncat '{}'\n", output.display())).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let parser = Parser { program, wall_time: WALL_TIME };
    let extraction = run(&parser, "text/plain", b"a file").await;
    fs::remove_dir_all(&folder).expect("removed");
    extraction.outcome.map(|text| text.characters)
}

#[tokio::test]
async fn part_that_no_parser_writes_is_a_crash() {
    for (name, part) in [
        ("nul", r#"{"text":"a\u0000b"}"#.to_owned()),
        ("escape", r#"{"text":"a","heading":"\u001b"}"#.to_owned()),
        ("empty", r#"{"text":""}"#.to_owned()),
        ("long", format!(r#"{{"text":"{}"}}"#, "x".repeat((32 << 10) + 1))),
        ("heading", format!(r#"{{"text":"x","heading":"{}"}}"#, "x".repeat(201))),
        ("no-page", r#"{"text":"x","page":0}"#.to_owned()),
        ("far-page", r#"{"text":"x","page":50001}"#.to_owned()),
    ] {
        let outcome = outcome_of(name, &format!("{{\"part\":{part}}}\n\"done\"\n")).await;
        assert_eq!(outcome, Err(FailureCode::ExtractionCrashed.into()), "{name}");
    }
    let good = r#"{"part":{"text":"a\tb\nc","heading":"H","page":50000}}"#;
    assert_eq!(outcome_of("good", &format!("{good}\n\"done\"\n")).await, Ok(5));
}

#[tokio::test]
async fn failure_says_only_what_a_parser_may_say() {
    let failed =
        |code: &str, detail: &str| format!(r#"{{"failed":{{"code":"{code}","detail":"{detail}"}}}}"#) + "\n";
    let long = "Größe\\u0000 \\u202e".to_owned() + &"x".repeat(100_000);
    let failure = outcome_of("detail", &failed("broken-file", &long)).await.expect_err("a failure");
    assert_eq!(failure, Failure::broken("Gre ".to_owned() + &"x".repeat(196)));
    // These would make an artifact wait for a plan, or blame the client.
    for code in ["plan-limit-reached", "model-unavailable", "checksum-mismatch", "content-missing"] {
        let outcome = outcome_of(code, &failed(code, "x")).await;
        assert_eq!(outcome, Err(FailureCode::ExtractionCrashed.into()), "{code}");
    }
}

/// A part for each letter: few characters, but more bytes than `index` reads.
#[tokio::test]
async fn text_is_limited_before_it_is_compressed() {
    let headings = "# a\n".repeat(MAX_TEXT_BYTES / r#"{"heading":"a","text":"a"}"#.len());
    assert!(headings.len() / 4 < MAX_CHARACTERS);
    let parser = Parser { program: PROGRAM.into(), ..Parser::default() };
    let outcome = run(&parser, "text/markdown", headings.as_bytes()).await.outcome;
    assert_eq!(outcome.expect_err("too much").code, FailureCode::TooMuchText);
}

#[tokio::test]
async fn detail_repeats_no_name_out_of_the_file() {
    let name = format!("word/{}\0.xml", "x".repeat(1000));
    let relationships = format!(r#"<R><R Target="{name}" Type="http://x/officeDocument"/></R>"#);
    let noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("_rels/.rels", relationships.as_bytes()), (&name, &noise)] {
        archive.start_file(name, SimpleFileOptions::default()).expect("an entry");
        archive.write_all(content).expect("an entry");
    }
    let file = archive.finish().expect("an archive").into_inner();
    let parser = Parser { program: PROGRAM.into(), ..Parser::default() };
    let failure = run(&parser, MediaType::Docx.as_str(), &file).await.outcome.expect_err("no text");
    assert_eq!(failure, Failure::broken("a part of the archive is not text"));
}

/// The kernel names the reason only with a signal before the one that ends every process.
#[test]
fn cpu_time_has_a_signal_of_its_own() {
    let mut child = Command::new(PROGRAM)
        .args(["--parse", "text/plain"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.starts_with(r#"{"limited""#), "{line}");
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("limits");
    child.kill().expect("killed");
    child.wait().expect("ended");
    let cpu = limits.lines().find(|line| line.starts_with("Max cpu time")).expect("a limit");
    let values: Vec<_> = cpu.split_whitespace().filter_map(|word| word.parse::<u64>().ok()).collect();
    assert_eq!(values, [60, 65]);
}
