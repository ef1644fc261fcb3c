use super::*;

/// Reads `text` in pieces of `size` bytes. Returns the line and the member `id` of each record, or the reason for which it is refused.
fn read_in(size: usize, has_users_member: bool, text: &[u8]) -> (Vec<(u64, String)>, bool) {
    let mut reader = Reader::new(has_users_member);
    let mut records = Vec::new();
    let mut collect = |reader: &mut Reader| {
        while let Some(record) = reader.next_record().expect("a readable file") {
            assert_eq!(record.number, records.len() as u64 + 1);
            let id = record.fields.map_or_else(
                |reason| format!("{reason:?}"),
                |fields| fields.get("id").and_then(Value::as_str).unwrap_or("none").to_owned(),
            );
            records.push((record.line, id));
        }
    };
    for piece in text.chunks(size) {
        reader.push(piece);
        collect(&mut reader);
    }
    reader.end();
    collect(&mut reader);
    (records, reader.is_lost())
}

/// Reads `text` at once and in pieces of all sizes, which must make no difference.
fn read(has_users_member: bool, text: &str) -> (Vec<(u64, String)>, bool) {
    let whole = read_in(usize::MAX, has_users_member, text.as_bytes());
    for size in 1..20.min(text.len()) {
        assert_eq!(read_in(size, has_users_member, text.as_bytes()), whole, "in pieces of {size}");
    }
    whole
}

fn found(records: &[(u64, &str)]) -> Vec<(u64, String)> {
    records.iter().map(|(line, id)| (*line, (*id).to_owned())).collect()
}

#[test]
fn damaged_line_spoils_nothing() {
    let text = "\u{feff}{\"id\":\"a\"}\n\n{\"id\":\"b\"\n{\"id\":\"c\"}\r\n\"text\"\n[1]\nnull\n{\"id\":\"d\",\"x\":{\"y\":[\"}\"]}}";
    let expected =
        [(1, "a"), (3, "NoObject"), (4, "c"), (5, "NoObject"), (6, "NoObject"), (7, "NoObject"), (8, "d")];
    assert_eq!(read(false, text), (found(&expected), false));
}

#[test]
fn elements_of_an_array_are_found_whatever_their_layout() {
    for text in [
        r#"[{"id":"a","x":"]}\"[{"},{"id":"b","x":[{"id":"no"}]},{"id":"c"}]"#,
        "[\n  {\n    \"id\": \"a\"\n  },\n  { \"id\": \"b\" }, {\"id\":\"c\"\n} ]\n",
        "[{\"id\":\"a\"}\n,{\"id\":\"b\"}\n,{\"id\":\"c\"}\n]",
    ] {
        let (records, is_lost) = read(false, text);
        let ids: Vec<_> = records.into_iter().map(|(_, id)| id).collect();
        assert_eq!((ids, is_lost), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], false), "{text}");
    }
    assert_eq!(read(false, "[]"), (vec![], false));
}

#[test]
fn users_of_an_object_are_found_among_its_other_members() {
    let text = r#"{"realm":"users","x":[{"users":[{"id":"no"}]}],"y":"\"users\":[","users" :
        [ {"id":"a"}, {"id":"b"} ], "clients":[{"id":"no"}]}"#;
    assert_eq!(read(true, text), (found(&[(2, "a"), (2, "b")]), false));
    let mut reader = Reader::new(true);
    reader.push(br#"{"realm":"x","clients":[]}"#);
    reader.end();
    let error = reader.next_record().err().expect("no users").to_string();
    assert_eq!(error, "the file has no array \"users\"");
}

#[test]
fn damaged_element_of_an_array_spoils_nothing() {
    // A quotation mark is missing; a bracket is missing; a comma is missing; something else.
    for (damaged, reason) in [
        (r#"{"id":"b,"x":"y"},"#, "NoObject"),
        (r#"{"id":"b","x":["y"},"#, "NoObject"),
        (r#"{"id":"b","x":{"y":1},"#, "NoObject"),
        (r#"{"id":"b" "x":"y"},"#, "NoObject"),
        (r#""b","#, "NoObject"),
    ] {
        let text =
            format!("{{\"users\": [\n{{\"id\":\"a\"}},\n{damaged}\n{{\"id\":\"c\"}},\n{{\"id\":\"d\"}}]}}");
        let (records, is_lost) = read(true, &text);
        assert_eq!(records[..2], found(&[(2, "a"), (3, reason)]), "{text}");
        assert!(records.ends_with(&found(&[(5, "d")])) && !is_lost, "{text}: {records:?}");
    }
    // Indented, as people and Keycloak do.
    let text = "[\n  {\n    \"id\": \"a\n  },\n  {\n    \"id\": \"b\"\n  }\n]";
    assert_eq!(read(false, text), (found(&[(2, "NoObject"), (5, "b")]), false));
}

#[test]
fn array_that_ends_early_is_named() {
    assert_eq!(read(false, r#"[{"id":"a"},{"id":"b"#), (found(&[(1, "a"), (1, "Cut")]), true));
    assert_eq!(read(false, r#"[{"id":"a"},"#), (found(&[(1, "a"), (1, "Cut")]), true));
}

#[test]
fn rows_of_a_table_may_have_line_breaks_and_damaged_ones_spoil_nothing() {
    let text = "id,name,email\r\na,\"Ada, \"\"the\nCountess\"\"\",a@x\n\nb,\"Bob,b@x\nc,\"Cleo\",c@x\nd,Dora\ne,\"E\"ve,e@x\nf,F\"red,f@x\ng,Gil,g@x";
    let expected =
        [(2, "a"), (5, "Quotes"), (6, "c"), (7, "Columns"), (8, "Quotes"), (9, "Quotes"), (10, "g")];
    assert_eq!(read(false, text), (found(&expected), false));
    // The quotation mark is never closed.
    let text = "id,name\na,\"Ada\nb,Bob\nc,Cleo\n";
    assert_eq!(read(false, text), (found(&[(2, "Quotes"), (3, "b"), (4, "c")]), false));
}

#[test]
fn row_that_is_not_text_is_refused() {
    let (records, _) = read_in(7, false, b"id,name\na,\xff\xfe\nb,Bob\n");
    assert_eq!(records, found(&[(2, "NoText"), (3, "b")]));
}

#[test]
fn table_needs_a_column_with_the_id() {
    for text in ["name,email\nAda,a@x\n", "hello", "\u{1f}\u{8b}"] {
        let mut reader = Reader::new(false);
        reader.push(text.as_bytes());
        reader.end();
        let error = reader.next_record().err().expect("no table").to_string();
        assert!(error.contains("neither JSON nor a table"), "{error}");
    }
}

#[test]
fn record_that_is_too_long_is_refused_and_the_next_one_is_read() {
    let long = "x".repeat(MAX_RECORD + 10);
    for text in [
        format!("{{\"id\":\"{long}\"}}\n{{\"id\":\"b\"}}\n"),
        format!("id\n{long}\nb\n"),
        format!("id\n\"{long}\"\nb\n"),
        format!("[\n{{\"id\":\"{long}\"}},\n{{\"id\":\"b\"}}]"),
    ] {
        for size in [1 << 16, usize::MAX] {
            let (records, is_lost) = read_in(size, false, text.as_bytes());
            let ids: Vec<_> = records.iter().map(|(_, id)| id.as_str()).collect();
            let begin = &text[..8];
            assert!(matches!(ids[..], ["TooLong", .., "b"]) || is_lost, "{begin:?} in {size}: {ids:?}");
            assert!(!is_lost || text.starts_with('['), "{begin:?}");
        }
    }
}
