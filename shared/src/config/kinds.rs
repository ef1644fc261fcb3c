//! The documentation of each kind of setting. The methods of [`super::reader::Reader`] of the same names read them.

use std::ops::RangeInclusive;

use super::{
    application::Environment,
    prices::Prices,
    providers::Providers,
    reader::{DURATION, FLAG, IP_ADDRESS, MILLIS, NAMES, ORIGINS, PORT, URL, whole_number},
    section::Declared,
};

pub fn environment(name: &str) -> Vec<Declared> {
    let allowed = code(&Environment::ALL.map(Environment::name));
    vec![Declared::new(name, allowed).defaults_to(Environment::Development.name())]
}

/// Returns nothing: this setting is not a variable, it follows from `NODE_ENV`.
pub fn deployed() -> Vec<Declared> {
    Vec::new()
}

pub fn text(name: &str, default: &str) -> Vec<Declared> {
    let text = Declared::new(name, "any text");
    vec![if default.is_empty() { text } else { text.defaults_to(default) }]
}

pub fn one_of(name: &str, default: &str, allowed: &[&str]) -> Vec<Declared> {
    vec![Declared::new(name, code(allowed)).defaults_to(default)]
}

pub fn ip_address(name: &str, default: [u8; 4]) -> Vec<Declared> {
    vec![Declared::new(name, IP_ADDRESS).defaults_to(default.map(|byte| byte.to_string()).join("."))]
}

pub fn port(name: &str, default: u16) -> Vec<Declared> {
    vec![Declared::new(name, PORT).defaults_to(default)]
}

pub fn number(name: &str, default: u32, allowed: RangeInclusive<u32>) -> Vec<Declared> {
    vec![Declared::new(name, whole_number(&allowed)).defaults_to(default)]
}

pub fn millis(name: &str, default: u32) -> Vec<Declared> {
    vec![Declared::new(name, format!("ms, {}", whole_number(&MILLIS))).defaults_to(default)]
}

pub fn flag(name: &str, default: bool) -> Vec<Declared> {
    vec![Declared::new(name, code(&FLAG)).defaults_to(default)]
}

pub fn duration(name: &str, default: &str) -> Vec<Declared> {
    vec![Declared::new(name, DURATION).defaults_to(default)]
}

pub fn url(name: &str) -> Vec<Declared> {
    vec![Declared::new(name, URL)]
}

pub fn url_or(name: &str, default: &str) -> Vec<Declared> {
    vec![Declared::new(name, URL).defaults_to(default)]
}

pub fn origins(name: &str) -> Vec<Declared> {
    vec![Declared::new(name, ORIGINS)]
}

pub fn names(name: &str, default: &str) -> Vec<Declared> {
    vec![Declared::new(name, NAMES).defaults_to(default)]
}

pub fn prices(name: &str) -> Vec<Declared> {
    vec![Declared::new(name, Prices::FORM)]
}

pub fn providers(name: &str) -> Vec<Declared> {
    vec![Declared::new(name, Providers::FORM)]
}

pub fn setting(name: &str) -> Vec<Declared> {
    vec![Declared { secret: true, ..Declared::new(name, "any text") }]
}

/// Describes both variables. The meaning of the second one is the same for every service.
pub fn address(url: &str, credentials: &str) -> Vec<Declared> {
    let mut beside = self::credentials(credentials);
    beside[0].meaning = format!("User name and password for a `{url}` that has neither.");
    beside[0].used_by = format!("as `{url}`");
    let service = credentials.trim_end_matches("_CREDENTIALS").to_lowercase();
    beside[0].example =
        format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/{service}-AbCdEf");
    [setting(url), beside].concat()
}

pub fn credentials(name: &str) -> Vec<Declared> {
    let allowed = "`{\"username\": \"…\", \"password\": \"…\"}`, or the ARN of a secret that holds this; \
                   other members are ignored";
    vec![Declared { secret: true, ..Declared::new(name, allowed) }]
}

/// Joins words in code quotes: `a`, `b`.
fn code(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
