//! The rooms of this crate are ordered: a room uses only the rooms below it (`docs/architecture.md`).

use std::{fs, path::Path};

/// From top to bottom.
const ROOMS: [&str; 18] = [
    "lambda",
    "accounts",
    "backup",
    "retrieval",
    "http",
    "auth",
    "state",
    "store",
    "db",
    "http_client",
    "cache",
    "mail",
    "crypto",
    "aws",
    "domain",
    "config",
    "error",
    "telemetry",
];

/// Names that the crate root exports, and the room they come from.
const EXPORTS: [(&str, &str); 8] = [
    ("ApiError", "error"),
    ("AppState", "state"),
    ("OnConstraint", "error"),
    ("ReachedLimit", "error"),
    ("Refusal", "error"),
    ("TooMany", "error"),
    ("routes", "http"),
    ("text_enum", "domain"),
];

/// Returns the violations in the file `path`, relative to `src`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let room = path.split(['/', '.']).next().unwrap_or_default();
    let Some(place) = place(room) else { return vec![format!("{path}: {room} is not a room")] };
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut found = Vec::new();
    for name in code.split("crate::").skip(1).flat_map(first_names) {
        match place_of_name(&name) {
            None => found.push(format!("{path}: crate::{name} is in no room")),
            Some(used) if used < place => {
                found.push(format!("{path}: {room} uses {name}, which is above it"));
            }
            Some(_) => {}
        }
    }
    if room == "domain" && code.contains("async ") {
        found.push(format!("{path}: domain has no async"));
    }
    if place > self::place("state").unwrap_or_default() && code.contains("&AppState") {
        found.push(format!("{path}: nothing below state takes &AppState"));
    }
    found
}

/// Returns the first segments of the paths after `crate::`: one, or those of a group in braces.
fn first_names(after: &str) -> Vec<String> {
    let identifier = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = after.strip_prefix('{') else { return vec![identifier(after)] };
    let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(identifier(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(identifier(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn place(room: &str) -> Option<usize> {
    ROOMS.iter().position(|name| *name == room)
}

fn place_of_name(name: &str) -> Option<usize> {
    let export = EXPORTS.iter().find(|(exported, _)| *exported == name);
    place(export.map_or(name, |(_, room)| room))
}

fn check(folder: &Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(check(&entry.path(), &format!("{name}/")));
        } else if entry.path().extension().is_some_and(|extension| extension == "rs")
            && name != "lib.rs"
            && name != "rooms.rs"
        {
            found.extend(violations(&name, &fs::read_to_string(entry.path()).expect("a file")));
        }
    }
    found
}

#[test]
fn every_room_uses_only_rooms_below_it() {
    let found = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_room_that_uses_one_above_it_is_noticed() {
    for (path, text) in [
        ("store/users/mod.rs", "use crate::AppState;"),
        ("db/mod.rs", "use crate::{cache::redis::Redis, auth::{Caller, member::Member}};"),
        ("domain/page.rs", "pub async fn page() {}"),
        ("domain/page.rs", "use crate::db::Tx;"),
        ("cache/redis.rs", "fn take(state: &AppState) {}"),
        ("store/users/mod.rs", "fn a() { crate::http::headers::secure() }"),
        ("helpers/mod.rs", ""),
        ("auth/mod.rs", "use crate::utilities::join;"),
    ] {
        assert_eq!(violations(path, text).len(), 1, "{path}: {text}");
    }
    let fine = "//! [`crate::http`]\nuse crate::{\n    ApiError,\n    db::{Db, Tx},\n};\n";
    assert!(violations("auth/member.rs", fine).is_empty());
}
