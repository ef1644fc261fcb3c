//! Citations in the answer of a model: `[1]`, `[1, 2]` or `【1】`. Only numbers of sources that the model was given count.

use std::{collections::HashSet, ops::RangeInclusive};

use super::conversation::Citation;

/// The longest list of numbers in brackets, in characters. Longer ones are text.
const MAX_CHARACTERS: usize = 64;

/// The most citations of an answer. More are text: a model that repeats itself must not make the message many times larger.
const MAX_CITATIONS: usize = 1_000;

/// Numbers in brackets.
struct Brackets {
    numbers: Vec<i64>,
    /// In characters.
    start: usize,
    end: usize,
}

/// Returns the citations of `text`, in their order. `given` are the numbers of the sources. All citations in one pair of brackets have the
/// same place.
///
/// Brackets in code, and those in the text or the address of a Markdown link or image, are text: `[1](https://…)` names no source. If the
/// text defines an address for a number (`[1]: https://…`), each `[1]` is a link.
#[must_use]
pub fn find(text: &str, given: &RangeInclusive<i16>) -> Vec<Citation> {
    let characters: Vec<_> = text.chars().collect();
    let place = |characters: usize| i32::try_from(characters).unwrap_or(i32::MAX);
    let cite = |Brackets { mut numbers, start, end }| {
        let mut seen = HashSet::new();
        numbers.retain(|n| seen.insert(*n));
        let known = numbers.into_iter().filter_map(|n| i16::try_from(n).ok().filter(|n| given.contains(n)));
        known.map(move |n| Citation { n, start: place(start), end: place(end) }).collect::<Vec<_>>()
    };
    brackets(&characters).into_iter().flat_map(cite).take(MAX_CITATIONS).collect()
}

/// Returns `text` without numbers in brackets: for an earlier answer, whose sources had other numbers.
#[must_use]
pub fn remove(text: &str) -> String {
    let characters: Vec<_> = text.chars().collect();
    let (mut rest, mut at) = (String::with_capacity(text.len()), 0);
    for Brackets { start, end, .. } in brackets(&characters) {
        rest.extend(&characters[at..start]);
        if rest.ends_with(' ') && characters.get(end).is_none_or(|next| !next.is_alphanumeric()) {
            rest.pop();
        }
        at = end;
    }
    rest.extend(&characters[at..]);
    rest
}

fn brackets(text: &[char]) -> Vec<Brackets> {
    let is_in_link = links(text);
    let (mut found, mut defined, mut at) = (Vec::new(), HashSet::new(), 0);
    while at < text.len() {
        match text[at] {
            '`' => at = after_code(text, at),
            '[' | '【' => match read(text, at) {
                Some(brackets) => {
                    at = brackets.end;
                    if defines_link(text, &brackets) {
                        defined.insert(label(text, &brackets));
                    } else if !is_in_link[brackets.start] {
                        found.push(brackets);
                    }
                }
                None => at += 1,
            },
            _ => at += 1,
        }
    }
    found.retain(|brackets| !defined.contains(&label(text, brackets)));
    found
}

/// Returns for each character whether it is part of a Markdown link or image, `[text](address)`.
fn links(text: &[char]) -> Vec<bool> {
    // How many links begin at a place, less those that end there.
    let mut changes = vec![0_i32; text.len() + 1];
    // The open brackets; of a round one, the beginning of its link.
    let (mut square, mut round): (Vec<usize>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    let (mut at, mut link) = (0, None);
    while at < text.len() {
        let begun = link.take();
        match text[at] {
            '`' => {
                at = after_code(text, at);
                continue;
            }
            '\\' => at += 1,
            '[' => square.push(at),
            ']' => link = square.pop(),
            '(' => round.push(begun),
            ')' => {
                if let Some(start) = round.pop().flatten() {
                    changes[start] += 1;
                    changes[at + 1] -= 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let depths = changes.iter().scan(0, |depth, change| {
        *depth += change;
        Some(*depth > 0)
    });
    depths.collect()
}

/// Returns whether the brackets begin the definition of a link, `[1]: https://…`.
fn defines_link(text: &[char], brackets: &Brackets) -> bool {
    if text.get(brackets.end) != Some(&':') {
        return false;
    }
    // It may stand in a quotation or in a list.
    let before = text[..brackets.start].iter().rev().take_while(|c| **c != '\n');
    let is_mark =
        |c: &char| c.is_whitespace() || c.is_ascii_digit() || matches!(c, '>' | '-' | '*' | '+' | '.' | ')');
    let after = text[brackets.end + 1..].iter().skip_while(|c| c.is_whitespace());
    let mut address = after.take_while(|c| !c.is_whitespace());
    before.into_iter().take(MAX_CHARACTERS).all(is_mark) && address.any(|c| matches!(c, ':' | '/' | '<'))
}

/// Returns the brackets without their spaces. Markdown compares them so.
fn label(text: &[char], brackets: &Brackets) -> String {
    text[brackets.start..brackets.end].iter().filter(|c| !c.is_whitespace()).collect()
}

/// Returns the place after the code that begins at `start`; the one after its backticks, if they are never closed.
fn after_code(text: &[char], start: usize) -> usize {
    let ticks = |from: usize| text[from..].iter().take_while(|c| **c == '`').count();
    let opened = ticks(start);
    let mut at = start + opened;
    while at < text.len() {
        match ticks(at) {
            0 => at += 1,
            closed if closed == opened => return at + closed,
            other => at += other,
        }
    }
    // A fence that is not closed reaches to the end of the text (CommonMark, 4.5).
    if opened >= 3 { text.len() } else { start + opened }
}

/// Reads numbers in brackets that open at `start`.
fn read(text: &[char], start: usize) -> Option<Brackets> {
    let close = if text[start] == '[' { ']' } else { '】' };
    let inside = &text[start + 1..];
    let length = inside.iter().take(MAX_CHARACTERS).position(|c| *c == close)?;
    let end = start + 1 + length + 1;
    let is_image = start > 0 && text[start - 1] == '!';
    // `[1](…)` and `[[1]](…)`, also if the address has no end yet.
    let is_link = text[end..].iter().find(|c| **c != ']') == Some(&'(');
    // `[text][1]`
    let is_reference = start > 0 && text[start - 1] == ']' && !ends_with_numbers(text, start - 1);
    if is_image || is_link || is_reference {
        return None;
    }
    let inside: String = inside[..length].iter().collect();
    let numbers = inside.split([',', ';']).map(|number| {
        let number = number.trim();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { number.parse().ok() } else { None }
    });
    Some(Brackets { numbers: numbers.collect::<Option<_>>()?, start, end })
}

/// Returns whether the bracket that closes at `close` holds numbers, as in `[1][2]`.
fn ends_with_numbers(text: &[char], close: usize) -> bool {
    let before = text[..close].iter().rev().take(MAX_CHARACTERS);
    let inside: Vec<_> = before.take_while(|c| **c != '[').collect();
    !inside.is_empty() && inside.iter().all(|c| c.is_ascii_digit() || matches!(c, ',' | ';' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the numbers and the cited text.
    fn cited(text: &str) -> Vec<(i16, String)> {
        let cut = |c: Citation| {
            let [start, end] = [c.start, c.end].map(|place| usize::try_from(place).expect("a place"));
            (c.n, text.chars().skip(start).take(end - start).collect())
        };
        find(text, &(1..=3)).into_iter().map(cut).collect()
    }

    fn numbers(text: &str) -> Vec<i16> {
        cited(text).into_iter().map(|(n, _)| n).collect()
    }

    #[test]
    fn given_numbers_are_citations() {
        assert_eq!(cited("Kept for 35 days [1]."), [(1, "[1]".to_owned())]);
        assert_eq!(cited("Größe 😀[2], x【3】"), [(2, "[2]".to_owned()), (3, "【3】".to_owned())]);
        assert_eq!(cited("[1, 3]"), [(1, "[1, 3]".to_owned()), (3, "[1, 3]".to_owned())]);
        assert_eq!(numbers("a[1][2] [ 3 ] [1;2]"), [1, 2, 3, 1, 2]);
    }

    #[test]
    fn citations_are_not_repeated_without_end() {
        assert_eq!(numbers("[1, 2, 1] [1]"), [1, 2, 1]);
        assert_eq!(numbers(&"[1]".repeat(2_000)).len(), MAX_CITATIONS);
    }

    #[test]
    fn other_numbers_are_text() {
        for text in [
            "[0]",
            "[4]",
            "[99]",
            "[-1]",
            "[1.5]",
            "[65537]",
            "[99999999999999999999]",
            "[]",
            "[ ]",
            "[1,]",
            "[a]",
            "[1-3]",
            "1]",
            "[1",
            "(1)",
            "[١]",
            "[1, x]",
        ] {
            assert!(numbers(text).is_empty(), "{text}");
        }
        assert_eq!(numbers("[1, 99]"), [1]);
        let none = RangeInclusive::new(1, 0);
        assert!(find("[1]", &none).is_empty(), "no source was given");
    }

    #[test]
    fn links_and_images_are_no_citations() {
        for text in [
            "[1](https://attacker.example/)",
            "![1](https://attacker.example/x.png)",
            "![1]",
            "[1]: https://attacker.example/",
            "See below.\n  [1]: https://attacker.example/",
            "[the manual][1]",
            "[[1]](https://attacker.example/)",
            "[see [1] there](https://attacker.example/)",
            "![see [1] there](https://attacker.example/)",
            "[a](https://attacker.example/?[1])",
            "[a](https://attacker.example/(x)[1] \"[2]\")",
            "[1](https://attacker.example/",
            "As in [1].\n\n[1]: https://attacker.example/",
            "As in [ 1 ].\n\n> - [1]:\n//attacker.example",
            "1. [1]: <javascript:x>\n\n[1]",
        ] {
            assert!(numbers(text).is_empty(), "{text}");
        }
        assert_eq!(numbers("As in [1]: for 35 days [2] (see [3])."), [1, 2, 3]);
        assert_eq!(numbers("[1]: for 35 days.\n- [2]: for ever."), [1, 2]);
        assert_eq!(numbers("[a](b) [1] (c) [2](d"), [1]);
        assert_eq!(numbers("[1] [2]\n\n[2]: https://attacker.example/"), [1]);
        assert_eq!(numbers("\\[a](b [1])"), [1]);
    }

    #[test]
    fn brackets_in_code_are_text() {
        for text in ["`a[1]`", "``a ` [1]``", "```\nx[1]\n```", "```rust\nx[1]"] {
            assert!(numbers(text).is_empty(), "{text}");
        }
        assert_eq!(numbers("`a` [1] `b[2]` [3]"), [1, 3]);
        assert_eq!(numbers("a ` alone [2]"), [2]);
    }

    #[test]
    fn numbers_of_an_earlier_answer_are_removed() {
        for (text, rest) in [
            ("Kept for 35 days [1]. And [2] more.", "Kept for 35 days. And more."),
            ("a [1][2], b", "a, b"),
            ("`x[1]` stays", "`x[1]` stays"),
            ("nothing", "nothing"),
            ("[99]", ""),
        ] {
            assert_eq!(remove(text), rest, "{text}");
        }
    }

    #[test]
    fn long_hostile_texts_take_no_quadratic_time() {
        let begin = std::time::Instant::now();
        for piece in ["[", "`", "``` ", "[1", "]", "[1][", "[1]: ", "[1]:\n", "[](", "[a](b)", ")", "\\"] {
            _ = find(&piece.repeat(262_144 / piece.len()), &(1..=8));
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}
