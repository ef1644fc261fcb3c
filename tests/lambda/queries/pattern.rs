//! Filter patterns of CloudWatch Logs, as far as the documents use them (CloudWatch Logs User Guide, "Filter pattern syntax").

use serde_json::Value;

/// Whether a filter pattern selects a line.
pub fn selects(pattern: &str, line: &str) -> bool {
    let pattern = pattern.trim();
    if let Some(condition) = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let Ok(line) = serde_json::from_str(line) else { return false };
        let mut parser = Parser { tokens: tokens(condition), at: 0, line: &line };
        let selected = parser.any();
        assert_eq!(parser.at, parser.tokens.len(), "not understood: {pattern}");
        return selected;
    }
    // Terms: the line contains each of them, wherever it is.
    tokens(pattern).into_iter().all(|term| line.contains(term.trim_matches('"')))
}

/// Splits at spaces, brackets and operators. A text in quotes is one token.
fn tokens(mut text: &str) -> Vec<&str> {
    const OPERATORS: [&str; 10] = ["&&", "||", ">=", "<=", "!=", "=", ">", "<", "(", ")"];
    let mut tokens = Vec::new();
    loop {
        text = text.trim_start();
        let length = if text.is_empty() {
            return tokens;
        } else if let Some(operator) = OPERATORS.iter().find(|operator| text.starts_with(**operator)) {
            operator.len()
        } else if let Some(quoted) = text.strip_prefix('"') {
            quoted.find('"').expect("the second quote") + 2
        } else {
            text.find(|c: char| c.is_whitespace() || "&|<>!=()".contains(c)).unwrap_or(text.len())
        };
        tokens.push(&text[..length]);
        text = &text[length..];
    }
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    line: &'a Value,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> &'a str {
        self.at += 1;
        self.tokens[self.at - 1]
    }

    fn skip(&mut self, token: &str) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(is_next);
        is_next
    }

    fn any(&mut self) -> bool {
        let mut selected = self.all();
        while self.skip("||") {
            selected |= self.all();
        }
        selected
    }

    fn all(&mut self) -> bool {
        let mut selected = self.one();
        while self.skip("&&") {
            selected &= self.one();
        }
        selected
    }

    fn one(&mut self) -> bool {
        if self.skip("(") {
            let selected = self.any();
            assert!(self.skip(")"), "a bracket is open");
            return selected;
        }
        // Each part names a member of the object before it: a dot in the name of a key cannot be written.
        let parts = self.next().strip_prefix("$.").expect("a selector").split('.');
        let found = parts.fold(self.line, |value, part| &value[part]);
        match (self.next(), self.next()) {
            ("IS", "TRUE") => *found == true,
            ("IS", "FALSE") => *found == false,
            (operator, wanted) => compare(found, operator, wanted),
        }
    }
}

fn compare(found: &Value, operator: &str, wanted: &str) -> bool {
    if let Some(text) = wanted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let equal = found.as_str().map(|found| found == text);
        return match operator {
            "=" => equal == Some(true),
            "!=" => equal == Some(false),
            other => panic!("{other} compares numbers, and {wanted} is a text"),
        };
    }
    let wanted: f64 = wanted.parse().expect("a number");
    // A number in quotes is a text, which no number equals.
    let Some(found) = found.as_f64() else { return false };
    match operator {
        ">" => found > wanted,
        ">=" => found >= wanted,
        "<" => found < wanted,
        "<=" => found <= wanted,
        "=" => (found - wanted).abs() < f64::EPSILON,
        "!=" => (found - wanted).abs() >= f64::EPSILON,
        other => panic!("unknown operator {other}"),
    }
}

#[test]
fn flat_key_is_not_found_by_a_nested_selector() {
    let line =
        r#"{"request.id":"a","level":"INFO","status":503,"latency":"503","record":{"status":"timeout"}}"#;
    for (pattern, selected) in [
        (r#"{ $.request.id = "a" }"#, false),
        (r#""a""#, true),
        ("{ $.status >= 500 }", true),
        ("{ $.latency >= 500 }", false),
        (r#"{ $.level = "ERROR" || ($.record.status != "success" && $.status > 500) }"#, true),
        (r#"{ $.level = "ERROR" || ($.type = "x" && $.record.status != "success") }"#, false),
        (r#"{ $.absent != "success" }"#, false),
        ("{ $.otlp IS TRUE }", false),
    ] {
        assert_eq!(selects(pattern, line), selected, "{pattern}");
    }
}
