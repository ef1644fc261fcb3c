//! Every list with pages, read while rows are added and deleted.

mod organizations;
mod system;

use std::collections::HashSet;

use harness::Client;
use serde_json::Value;

/// The number of pages after which a change is made, in one reading.
const CHANGES: usize = 3;

fn id(row: &Value) -> &str {
    row["id"].as_str().expect("an id")
}

fn ids(rows: &[Value]) -> HashSet<String> {
    rows.iter().map(|row| id(row).to_owned()).collect()
}

/// Returns one page, and the cursor of the next.
async fn page(client: &Client<'_>, path: &str, query: &str) -> (Vec<Value>, Option<String>) {
    let page = client.get(&format!("{path}?{query}")).await.ok(200);
    let next = page.body["meta"]["nextCursor"].as_str().map(str::to_owned);
    (page.body["data"].as_array().expect("a list").clone(), next)
}

/// Reads the list at `path` in pages of two, in both orders. Calls `change` with the rows of each of the first pages. Checks that
/// rows that exist before and after are returned once, in order, and that all rows match `filter`.
async fn assert_complete(
    client: &Client<'_>,
    path: &str,
    filter: &str,
    fits: impl Fn(&Value) -> bool,
    mut change: impl AsyncFnMut(&[Value]),
) {
    for sort in ["createdAt", "-createdAt"] {
        let said = format!("{path}?{filter} by {sort}");
        let whole = format!("limit=100&sort={sort}{filter}");
        let (before, rest) = page(client, path, &whole).await;
        assert!(rest.is_none() && before.len() > 1, "{said}: {before:#?}");
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let (rows, next) = page(client, path, &format!("limit=2&sort={sort}{filter}{cursor}")).await;
            if pages < CHANGES {
                change(&rows).await;
            }
            pages += 1;
            seen.extend(rows);
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let (after, _) = page(client, path, &whole).await;

        let distinct = ids(&seen);
        assert_eq!(distinct.len(), seen.len(), "{said} has a row twice: {seen:#?}");
        let missed: Vec<_> = ids(&before).intersection(&ids(&after)).cloned().collect();
        let missed: Vec<_> = missed.iter().filter(|id| !distinct.contains(*id)).collect();
        assert!(missed.is_empty(), "{said} misses {missed:?}: {seen:#?}");
        assert!(seen.iter().all(&fits), "{said} has rows that do not match: {seen:#?}");
        let place = |row: &Value| {
            let at = row["createdAt"].as_str().or(row["occurredAt"].as_str()).expect("a time");
            (at.to_owned(), id(row).to_owned())
        };
        let mut places: Vec<_> = seen.iter().map(place).collect();
        if sort.starts_with('-') {
            places.reverse();
        }
        assert!(places.is_sorted(), "{said} is not in order: {places:#?}");
    }
}

/// Returns the last of `rows` that may be deleted: if possible the one to which the cursor points.
fn last_deletable<'a>(rows: &'a [Value], member: &str) -> Option<&'a str> {
    let is_deletable =
        |row: &&Value| row[member].as_str().is_some_and(|text| text.to_lowercase().starts_with("goes"));
    rows.iter().rev().find(is_deletable).map(id)
}
