//! Finds the conditions of a statement that say whose rows it may see or change, and takes one of them away. No I/O.

use std::ops::Range;

/// Columns that say whose a row is, or whose credential it holds.
const OWNERS: [&str; 21] = [
    "actor_id",
    "api_key_id",
    "billing_email",
    "browser_hash",
    "code_hash",
    "created_by",
    "credential_id",
    "email",
    "id",
    "invited_by",
    "issuer",
    "key_hash",
    "organization_id",
    "personal_to",
    "refresh_token_hash",
    "session_id",
    "state_hash",
    "subject",
    "target_id",
    "token_hash",
    "user_id",
];

/// A condition of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// Its place in the statement.
    place: Range<usize>,
    /// Its text, with single spaces.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// `$1`
    Parameter,
    /// `'owner'`
    Text,
    /// `"exists!"`, an operator, a parenthesis.
    Other,
}

#[derive(Debug, Clone)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    at: usize,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Returns the conditions of `sql` about owners, in the order of the text: comparisons of an owner's column with a parameter, with
/// another one, or with a list; and `role = 'owner'`.
#[must_use]
pub fn predicates(sql: &str) -> Vec<Predicate> {
    let tokens = tokens(sql);
    let mut found: Vec<Predicate> = Vec::new();
    for begin in 0..tokens.len() {
        let Some(end) = condition(&tokens, begin) else { continue };
        let place = tokens[begin].at..tokens[end - 1].end();
        let text = sql[place.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
        found.push(Predicate { place, text });
    }
    found
}

/// Returns `sql` with a condition in place of `predicate` that is true for every row, and keeps the types of its parameters.
#[must_use]
pub fn without(sql: &str, predicate: &Predicate, types: &[String]) -> String {
    let Range { start, end } = predicate.place;
    let removed = tokens(&sql[start..end]);
    let parameters = removed.iter().filter(|token| token.kind == Kind::Parameter);
    let mut always: Vec<_> = parameters
        .map(|parameter| {
            let number: Option<usize> = parameter.text[1..].parse().ok();
            let name = number.and_then(|number| types.get(number - 1)).map_or("text", String::as_str);
            format!("{}::{} IS NULL", parameter.text, sql_type(name))
        })
        .collect();
    always.push("true".to_owned());
    format!("{}({}){}", &sql[..start], always.join(" OR "), &sql[end..])
}

/// Returns PostgreSQL's name of a type in `.sqlx`.
fn sql_type(name: &str) -> String {
    match name.strip_suffix("Array") {
        Some(element) => format!("{}[]", element.to_lowercase()),
        None => name.to_lowercase(),
    }
}

/// Returns the end of the condition that begins at `begin`, if one does.
fn condition(tokens: &[Token<'_>], begin: usize) -> Option<usize> {
    if is_assignment(tokens, begin) || continues_a_name(tokens, begin) {
        return None;
    }
    let (column, operator) = column(tokens, begin)?;
    let right = operator_end(tokens, operator)?;
    let is_owner = OWNERS.iter().any(|owner| column.is(owner));
    let value = tokens.get(right)?;
    if column.is("role") && tokens[operator].is("=") && value.text == "'owner'" {
        return Some(right + 1);
    }
    if !is_owner {
        return None;
    }
    if tokens[operator].is("IN") {
        return closing(tokens, right);
    }
    if value.is("ANY") {
        return closing(tokens, right + 1);
    }
    if value.kind == Kind::Parameter {
        let is_cast = tokens.get(right + 1).is_some_and(|next| next.is("::"));
        return Some(right + if is_cast { 3 } else { 1 });
    }
    if value.is("lower") && tokens.get(right + 2)?.kind == Kind::Parameter {
        return Some(right + 4);
    }
    let (other, end) = self::column(tokens, right)?;
    OWNERS.iter().any(|owner| other.is(owner)).then_some(end)
}

/// Reads `column`, `table.column` or either inside `lower(…)`. Returns the column and what comes after it.
fn column<'a, 'b>(tokens: &'b [Token<'a>], at: usize) -> Option<(&'b Token<'a>, usize)> {
    let first = tokens.get(at)?;
    if first.is("lower") && tokens.get(at + 1)?.is("(") {
        let (column, end) = column(tokens, at + 2)?;
        return tokens.get(end)?.is(")").then_some((column, end + 1));
    }
    if first.kind != Kind::Word {
        return None;
    }
    match tokens.get(at + 1) {
        Some(dot) if dot.is(".") => Some((tokens.get(at + 2)?, at + 3)),
        _ => Some((first, at + 1)),
    }
}

/// Returns the end of the operator at `at`: `=`, `<>`, `IN` or `IS DISTINCT FROM`.
fn operator_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let operator = tokens.get(at)?;
    if operator.is("=") || operator.is("<>") || operator.is("IN") {
        return Some(at + 1);
    }
    let distinct = operator.is("IS") && tokens.get(at + 1)?.is("DISTINCT") && tokens.get(at + 2)?.is("FROM");
    distinct.then_some(at + 3)
}

/// Returns the end of the parenthesis that opens at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> Option<usize> {
    if !tokens.get(open)?.is("(") {
        return None;
    }
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth -= 1;
            if depth == 0 {
                return Some(index + 1);
            }
        }
    }
    None
}

/// Returns whether a name at `at` is the second half of `table.column`, or the argument of a function that was read before.
fn continues_a_name(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && tokens[at - 1].is(".")
        || at > 1 && tokens[at - 1].is("(") && tokens[at - 2].is("lower")
        || at > 3 && tokens[at - 1].is(".") && tokens[at - 3].is("(") && tokens[at - 4].is("lower")
}

/// Returns whether the name at `at` gets a value: `SET name = …, name = …`.
fn is_assignment(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    if tokens[before].is("SET") {
        return true;
    }
    if !tokens[before].is(",") {
        return false;
    }
    // The clause to which the comma belongs.
    let mut depth = 0_usize;
    for token in tokens[..before].iter().rev() {
        match token.text {
            ")" => depth += 1,
            "(" if depth == 0 => return false,
            "(" => depth -= 1,
            _ if depth > 0 => {}
            _ if token.is("SET") => return true,
            _ if ["SELECT", "WHERE", "RETURNING", "FROM", "BY"].iter().any(|word| token.is(word)) => {
                return false;
            }
            _ => {}
        }
    }
    false
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let run = |belongs: fn(u8) -> bool| {
            bytes[at + 1..]
                .iter()
                .position(|byte| !belongs(*byte))
                .map_or(bytes.len(), |length| at + 1 + length)
        };
        let until = |mark: u8| {
            let length = bytes[at + 1..].iter().position(|byte| *byte == mark);
            length.map_or(bytes.len(), |length| at + 2 + length)
        };
        let (kind, end) = match bytes[at] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if sql[at..].starts_with("--") => {
                at = sql[at..].find('\n').map_or(bytes.len(), |length| at + length);
                continue;
            }
            b'\'' => (Kind::Text, until(b'\'')),
            b'"' => (Kind::Other, until(b'"')),
            b'$' => (Kind::Parameter, run(|byte| byte.is_ascii_digit())),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                (Kind::Word, run(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            b'<' | b'>' | b'!' | b':' => (Kind::Other, run(|byte| matches!(byte, b'=' | b'>' | b':'))),
            _ => (Kind::Other, at + 1),
        };
        tokens.push(Token { kind, text: &sql[at..end], at });
        at = end;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        predicates(sql).into_iter().map(|predicate| predicate.text).collect()
    }

    #[test]
    fn conditions_about_owners_are_found_wherever_they_stand() {
        let sql = "SELECT m.role AS \"role: Role\", organization_id = $1 AS here FROM members m
                   JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id
                   WHERE m.organization_id = $1 AND lower(u.email) = lower($2) AND m.role = 'owner'
                   AND m.user_id <> $3 AND o.id IN (SELECT organization_id FROM api_keys WHERE created_by = $3)
                   AND u.id IS DISTINCT FROM $4 AND u.deleted_at = o.deleted_at AND ($5::text IS NULL OR m.role = $5)
                   AND ($6::uuid IS NULL OR m.user_id > $6)";
        assert_eq!(
            texts(sql),
            [
                "organization_id = $1",
                "u.id = m.user_id",
                "o.id = m.organization_id",
                "m.organization_id = $1",
                "lower(u.email) = lower($2)",
                "m.role = 'owner'",
                "m.user_id <> $3",
                "o.id IN (SELECT organization_id FROM api_keys WHERE created_by = $3)",
                "created_by = $3",
                "u.id IS DISTINCT FROM $4",
            ]
        );
    }

    #[test]
    fn an_assignment_is_no_condition() {
        let sql =
            "UPDATE users SET email = $2, name = coalesce($3, name), email = $2 WHERE id = $1 RETURNING id";
        assert_eq!(texts(sql), ["id = $1"]);
        assert!(texts("INSERT INTO sessions (id, user_id) VALUES ($1, $2) RETURNING id, user_id").is_empty());
        assert_eq!(texts("SELECT a, id = $1 AS b FROM users"), ["id = $1"]);
        assert_eq!(texts("SELECT a FROM users WHERE id = $1::uuid AND true"), ["id = $1::uuid"]);
    }

    #[test]
    fn a_condition_that_is_taken_away_is_true_and_keeps_the_types_of_parameters() {
        let sql = "DELETE FROM members WHERE organization_id = $2 AND id = ANY (ARRAY(SELECT id FROM t WHERE x = $1))";
        let types = ["Int8Array".to_owned(), "Uuid".to_owned()];
        let found = predicates(sql);
        assert_eq!(
            without(sql, &found[0], &types),
            "DELETE FROM members WHERE ($2::uuid IS NULL OR true) AND id = ANY (ARRAY(SELECT id FROM t WHERE x = $1))"
        );
        assert_eq!(
            without(sql, &found[1], &types),
            "DELETE FROM members WHERE organization_id = $2 AND ($1::int8[] IS NULL OR true)"
        );
    }

    #[test]
    fn texts_quoted_names_and_comments_are_skipped() {
        assert_eq!(texts("SELECT 'id = $1', \"id = $2\" -- id = $3\nFROM t WHERE id = $4"), ["id = $4"]);
    }
}
