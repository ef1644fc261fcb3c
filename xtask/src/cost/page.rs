//! The tables of docs/cost.md, and what the command prints.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write,
    path::Path,
};

use anyhow::{Context, Result, ensure};

use super::{
    bill::{Bill, Group, Item},
    durations::Durations,
    environment::Environment,
    prices::Price,
};

/// The page with the tables.
pub const PAGE: &str = "docs/cost.md";
const END: &str = "<!-- end -->";
/// The columns: a title, an environment, millions of requests a month.
const COLUMNS: [(&str, &str, f64); 8] = [
    ("small, idle", "small", 0.0),
    ("small, 1 M requests", "small", 1.0),
    ("dev, 0.1 M", "dev", 0.1),
    ("staging, idle", "staging", 0.0),
    ("production, idle", "production", 0.0),
    ("1 M requests", "production", 1.0),
    ("10 M requests", "production", 10.0),
    ("100 M requests", "production", 100.0),
];

/// Returns docs/cost.md with its tables.
pub fn filled(root: &Path, page: &str) -> Result<String> {
    let durations = Durations::assumed()?;
    let mut environments = BTreeMap::new();
    let mut columns = Vec::new();
    for (title, name, load) in COLUMNS {
        let environment = match environments.entry(name) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(place) => place.insert(Environment::read(root, name)?),
        };
        columns.push((title, Bill::of(environment, load, &durations)?));
    }
    let mut page = page.to_owned();
    for (name, table) in
        [("summary", summary(&columns)), ("details", details(&columns)), ("prices", prices(&columns))]
    {
        let begin = format!("<!-- cost: {name} -->");
        let (before, rest) = page.split_once(&begin).with_context(|| format!("{PAGE} has no {begin}"))?;
        let (_, after) =
            rest.split_once(END).with_context(|| format!("{PAGE} has no {END} after {begin}"))?;
        page = format!("{before}{begin}\n\n{table}\n{END}{after}");
    }
    ensure!(page.matches("<!-- cost: ").count() == 3, "{PAGE} has other tables");
    Ok(page)
}

/// Returns the table that the command prints.
pub fn printed(bill: &Bill) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let items = bill.0.iter().filter(|item| item.group == group);
        _ = writeln!(text, "{}", group.title());
        for item in items {
            let (name, price) = (&item.name, price(item.price));
            let quantity = number(item.quantity);
            _ = writeln!(text, "  {name:<40} {quantity:>12} × {price:<46} {:>9}", dollars(item.dollars()));
        }
        _ = writeln!(text, "  {:<101} {:>9}", "", dollars(bill.dollars(group)));
    }
    _ = writeln!(text, "{:<103} {:>9} dollars a month", "total", dollars(bill.total()));
    text
}

type Column = (&'static str, Bill);

fn heading(text: &mut String, first: &str, columns: &[Column]) {
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    _ = writeln!(text, "| {first} | {} |", titles.join(" | "));
    _ = writeln!(text, "|{}", "---|".repeat(first.matches('|').count() + 1 + titles.len()));
}

fn summary(columns: &[Column]) -> String {
    let mut text = String::new();
    heading(&mut text, "dollars a month", columns);
    let row = |text: &mut String, title: &str, of: &dyn Fn(&Bill) -> f64, mark: &str| {
        let cells: Vec<_> =
            columns.iter().map(|(_, bill)| format!("{mark}{}{mark}", whole(of(bill)))).collect();
        _ = writeln!(text, "| {title} | {} |", cells.join(" | "));
    };
    for group in Group::ALL {
        row(&mut text, group.title(), &|bill| bill.dollars(group), "");
    }
    row(&mut text, "**total**", &Bill::total, "**");
    text
}

fn details(columns: &[Column]) -> String {
    let mut parts = Vec::new();
    for group in Group::ALL {
        let mut text = format!("### {}\n\n", group.title());
        heading(&mut text, " | price", columns);
        // In the order in which the first column with a row has it.
        let mut rows: Vec<&Item> = Vec::new();
        for item in columns.iter().flat_map(|(_, bill)| &bill.0).filter(|item| item.group == group) {
            if rows.iter().all(|row| row.name != item.name) {
                rows.push(item);
            }
        }
        for row in rows {
            let cell = |(_, bill): &Column| {
                let item = bill.0.iter().find(|item| item.group == group && item.name == row.name);
                item.map_or_else(String::new, |item| {
                    format!("{} → {}", number(item.quantity), dollars(item.dollars()))
                })
            };
            let cells: Vec<_> = columns.iter().map(cell).collect();
            _ = writeln!(text, "| {} | {} | {} |", row.name, price(row.price), cells.join(" | "));
        }
        let sums: Vec<_> =
            columns.iter().map(|(_, bill)| format!("**{}**", dollars(bill.dollars(group)))).collect();
        _ = writeln!(text, "| **total** | | {} |", sums.join(" | "));
        parts.push(text);
    }
    parts.join("\n")
}

fn prices(columns: &[Column]) -> String {
    let mut text = "| price of | dollars | seen | page |\n|---|---|---|---|\n".to_owned();
    let mut used: BTreeMap<(Group, &str), &Price> = BTreeMap::new();
    for item in columns.iter().flat_map(|(_, bill)| &bill.0) {
        used.insert((item.group, &item.name), item.price);
    }
    for ((_, name), one) in used {
        let page = format!("<https://aws.amazon.com/{}/>", page_of(one));
        _ = writeln!(text, "| {name} | {} | {} | {page} |", price(one), one.seen);
    }
    text
}

fn page_of(price: &Price) -> String {
    if price.page.contains("on-demand") { price.page.to_owned() } else { format!("{}/pricing", price.page) }
}

fn price(price: &Price) -> String {
    let digits = if price.dollars < 0.001 { 10 } else { 4 };
    let number = format!("{:.digits$}", price.dollars);
    let number = match number.trim_end_matches('0').split_once('.') {
        Some((whole, "")) => whole.to_owned(),
        // Cents have two digits.
        Some((whole, part)) if part.len() == 1 => format!("{whole}.{part}0"),
        _ => number.trim_end_matches('0').to_owned(),
    };
    format!("${number} per {}", price.unit)
}

/// Returns a quantity: whole from 100 up, otherwise with three digits that count.
fn number(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else if value >= 0.1 {
        3
    } else {
        5
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(text)
}

fn dollars(value: f64) -> String {
    grouped(&format!("{value:.2}"))
}

fn whole(value: f64) -> String {
    grouped(&format!("{value:.0}"))
}

/// Puts commas between groups of three digits.
fn grouped(number: &str) -> String {
    let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(part) = part {
        _ = write!(text, ".{part}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cost::prices;

    #[test]
    fn tables_of_the_page_are_up_to_date() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let page = fs::read_to_string(root.join(PAGE)).expect("the page");
        assert!(
            filled(root, &page).expect("tables") == page,
            "{PAGE} is out of date. Run: cargo xtask generate"
        );
        assert!(filled(root, &page.replacen(END, "", 1)).is_err());
        assert!(filled(root, &page.replacen("<!-- cost: prices -->", "", 1)).is_err());
    }

    #[test]
    fn readme_has_the_totals_of_the_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let [page, readme] = [PAGE, "README.md"].map(|name| fs::read_to_string(root.join(name)).expect(name));
        let totals = page.lines().find(|line| line.starts_with("| **total** |")).expect("the totals");
        let totals: Vec<_> = totals.split("**").skip(3).step_by(2).collect();
        assert_eq!(totals.len(), COLUMNS.len());
        let (_, costs) = readme.split_once("## What it costs").expect("the section");
        for ((title, name, _), total) in COLUMNS.iter().zip(totals) {
            assert!(*name == "staging" || costs.contains(total), "README.md has no {total}, of {title}");
        }
    }

    #[test]
    fn numbers_are_written_as_on_the_page() {
        let numbers =
            [(0.0307, "0.0307"), (0.131, "0.131"), (1.03, "1.03"), (35.04, "35"), (1_278_750.4, "1,278,750")];
        for (value, wanted) in numbers {
            assert_eq!(number(value), wanted);
        }
        for (value, wanted) in [(0.0, "0.00"), (1152.6, "1,152.60"), (99.999, "100.00")] {
            assert_eq!(dollars(value), wanted);
        }
        assert_eq!(price(&prices::COMPUTE), "$0.0000133334 per GB-s");
        assert_eq!(price(&prices::KEY), "$1 per key");
        assert_eq!(price(&prices::REST_API), "$3.50 per million requests");
        assert_eq!(price(&prices::VALKEY_T4G_MICRO), "$0.0128 per node-hour");
    }
}
