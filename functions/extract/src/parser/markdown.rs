//! Markdown: the text as it is, cut at its headings (`CommonMark` 0.31, 4.2, 4.3 and 4.5).

use super::{Output, plain};
use crate::protocol::Failure;

pub fn parse(text: &str, output: &mut Output) -> Result<(), Failure> {
    let mut fence = None;
    let mut lines = skip_front_matter(text, output)?.lines().peekable();
    while let Some(line) = lines.next() {
        let content = line.trim_end();
        if let Some(open) = fence {
            fence = if closes(content, open) { None } else { Some(open) };
        } else if let Some(opened) = opens(content) {
            fence = Some(opened);
        } else if let Some(heading) = atx(content) {
            output.heading(heading)?;
            continue;
        } else if is_paragraph(content) && lines.peek().is_some_and(|next| is_underline(next)) {
            lines.next();
            output.heading(content)?;
            continue;
        }
        plain::chunks(line).try_for_each(|chunk| output.text(chunk))?;
        output.text("\n")?;
    }
    Ok(())
}

/// Writes the block between two lines `---` at the beginning, whose last line looks like the underline of a heading.
fn skip_front_matter<'a>(text: &'a str, output: &mut Output) -> Result<&'a str, Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let block = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"));
    let Some((front, rest)) = block.and_then(|block| block.split_once("\n---")) else { return Ok(text) };
    if !(rest.is_empty() || rest.starts_with(['\n', '\r'])) {
        return Ok(text);
    }
    plain::parse(front, output)?;
    output.text("\n\n")?;
    Ok(rest)
}

/// Returns the text of a heading such as `## Title ##`.
fn atx(line: &str) -> Option<&str> {
    let line = unindented(line)?;
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    if !(1..=6).contains(&level) || !(text.is_empty() || text.starts_with([' ', '\t'])) {
        return None;
    }
    let text = text.trim();
    let closed = text.trim_end_matches('#');
    Some(if closed.is_empty() || closed.ends_with([' ', '\t']) { closed.trim_end() } else { text })
}

/// Checks for a line `===` or `---` below a heading.
fn is_underline(line: &str) -> bool {
    let Some(line) = unindented(line) else { return false };
    let line = line.trim_end();
    !line.is_empty() && (line.bytes().all(|byte| byte == b'=') || line.bytes().all(|byte| byte == b'-'))
}

/// Checks that a line could be the text of a heading: not empty, no list, quote, table or rule.
fn is_paragraph(line: &str) -> bool {
    let Some(line) = unindented(line) else { return false };
    !(line.is_empty() || line.starts_with(['>', '|', '-', '*', '+', '=', '<', '#']))
}

/// Returns the character and the length of the fence that opens a block of code.
fn opens(line: &str) -> Option<(char, usize)> {
    let line = unindented(line)?;
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, length))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    unindented(line)
        .is_some_and(|line| line.len() >= length && line.chars().all(|character| character == mark))
}

/// Returns the line without its blanks; `None` if it has four of them, which makes it code.
fn unindented(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    (line.len() - text.len() < 4 && !text.starts_with('\t')).then_some(text)
}

#[cfg(test)]
mod tests {
    use crate::parser::testing::{Parts, summary};

    fn parts(text: &str) -> Parts {
        summary("text/markdown", text).expect("text")
    }

    #[test]
    fn headings_begin_parts() {
        let text = "before\n\n# One #\n\ntext one\n\nTwo\n===\ntext two\n## \n###### Three\n#no heading\n    # code\n";
        assert_eq!(
            parts(text),
            [
                (None, None, "before".into()),
                (None, Some("One".into()), "One\n\ntext one".into()),
                (None, Some("Two".into()), "Two\ntext two".into()),
                (None, Some("Three".into()), "Three\n#no heading\n    # code".into()),
            ]
        );
    }

    #[test]
    fn code_has_no_headings() {
        let text = "# A\n```sh\n# comment\n~~~\n```\n~~~~\n# other\n~~~\n# still\n~~~~\n# B\n";
        let headings: Vec<_> = parts(text).into_iter().map(|part| part.1.expect("a heading")).collect();
        assert_eq!(headings, ["A", "B"]);
    }

    #[test]
    fn front_matter_tables_and_rules_are_no_headings() {
        let text = "---\ntitle: x\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- item\n---\nlast\n";
        let parts = parts(text);
        assert!(parts.iter().all(|part| part.1.is_none()), "{parts:?}");
        assert!(parts[0].2.starts_with("title: x"), "{parts:?}");
    }
}
