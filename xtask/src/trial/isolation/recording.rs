//! Which test sends which statement, and which test reaches the extractors of which operation.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::proxy::Sent;

/// The tests that reach each kind of extractor.
pub type Kinds = BTreeMap<String, Vec<Test>>;

/// A test of a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Test {
    pub program: String,
    pub name: String,
}

impl Test {
    fn parse(text: &str) -> Option<Self> {
        let (program, name) = text.split_once(' ')?;
        Some(Self { program: program.to_owned(), name: name.to_owned() })
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.program, self.name)
    }
}

/// What a run without changes showed.
#[derive(Debug, Default)]
pub struct Recording {
    /// By statement.
    pub statements: BTreeMap<String, Vec<Test>>,
    /// The statements that functions sent.
    pub product: BTreeSet<String>,
    /// By method and path.
    pub operations: BTreeMap<String, Kinds>,
    /// How many milliseconds each test took.
    pub durations: HashMap<Test, u64>,
}

impl Recording {
    /// Adds a run of `program`: the statements that databases got, the tests to which the databases belong, and the lines that the
    /// extractors wrote.
    pub fn add(&mut self, program: &str, sent: &HashSet<Sent>, databases: &str, reached: &str) {
        let test = |name: &str| Test { program: program.to_owned(), name: name.to_owned() };
        let begun = databases.lines().filter_map(|line| line.split_once('\t'));
        let of_database: HashMap<_, _> = begun.filter(|(_, name)| !name.contains('\t')).collect();
        for line in databases.lines() {
            let [database, "", milliseconds] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
            let Some(name) = of_database.get(database) else { continue };
            let duration = self.durations.entry(test(name)).or_default();
            *duration = milliseconds.parse().unwrap_or(0).max(*duration);
        }
        for Sent { database, sql, pooled } in sent {
            if let Some(name) = of_database.get(database.as_str()) {
                insert(self.statements.entry(sql.clone()).or_default(), test(name));
            }
            if *pooled {
                self.product.insert(sql.clone());
            }
        }
        for line in reached.lines() {
            let [kind, operation, name] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
            let kinds = self.operations.entry(operation.to_owned()).or_default();
            insert(kinds.entry(kind.to_owned()).or_default(), test(name));
        }
    }

    /// Removes tests that cannot show anything.
    pub fn remove(&mut self, program: &str, names: &[String]) {
        let stays = |test: &Test| test.program != program || !names.contains(&test.name);
        let of_operations = self.operations.values_mut().flat_map(BTreeMap::values_mut);
        for tests in self.statements.values_mut().chain(of_operations) {
            tests.retain(stays);
        }
    }

    /// Returns the tests that reach the extractors of `operation`.
    pub fn of_operation(&self, operation: &str) -> Vec<Test> {
        let mut tests: Vec<_> = self
            .operations
            .get(operation)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .cloned()
            .collect();
        tests.sort();
        tests.dedup();
        tests
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let texts = |tests: &Vec<Test>| tests.iter().map(Test::to_string).collect::<Vec<_>>();
        let statements: BTreeMap<_, _> =
            self.statements.iter().map(|(sql, tests)| (sql, texts(tests))).collect();
        let kinds = |kinds: &Kinds| kinds.iter().map(|(kind, tests)| (kind.clone(), texts(tests))).collect();
        let operations: BTreeMap<_, BTreeMap<_, _>> =
            self.operations.iter().map(|(operation, of)| (operation, kinds(of))).collect();
        let durations: BTreeMap<_, _> =
            self.durations.iter().map(|(test, duration)| (test.to_string(), duration)).collect();
        let recording = json!({
            "statements": statements, "product": self.product, "operations": operations, "durations": durations
        });
        fs::write(path, recording.to_string()).with_context(|| format!("write {}", path.display()))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("read {}; run once without --recorded", path.display()))?;
        let recording: Value =
            serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        let operations = recording["operations"].as_object().into_iter().flatten();
        let durations = recording["durations"].as_object().into_iter().flatten();
        let product = recording["product"].as_array().into_iter().flatten();
        Ok(Self {
            statements: lists(&recording["statements"]),
            product: product.filter_map(|sql| sql.as_str().map(str::to_owned)).collect(),
            operations: operations.map(|(operation, kinds)| (operation.clone(), lists(kinds))).collect(),
            durations: durations.filter_map(|(test, of)| Some((Test::parse(test)?, of.as_u64()?))).collect(),
        })
    }
}

fn insert(tests: &mut Vec<Test>, test: Test) {
    if !tests.contains(&test) {
        tests.push(test);
    }
}

fn lists(value: &Value) -> BTreeMap<String, Vec<Test>> {
    let tests = |tests: &Value| {
        tests.as_array().into_iter().flatten().filter_map(|test| Test::parse(test.as_str()?)).collect()
    };
    value.as_object().into_iter().flatten().map(|(name, of)| (name.clone(), tests(of))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_belongs_to_the_test_of_its_database() {
        let mut recording = Recording::default();
        let sent = [
            ("test_1", "SELECT 1"),
            ("test_2", "SELECT 1"),
            ("postgres", "SELECT 2"),
            ("test_1", "SELECT 3"),
        ];
        let sent = sent.map(|(database, sql)| {
            let pooled = sql != "SELECT 3";
            Sent { database: database.to_owned(), sql: sql.to_owned(), pooled }
        });
        let sent = sent.into();
        recording.add("api", &sent, "test_1\ta::b\ntest_2\tc::d\ntest_1\t\t70\n", "caller\tGET /a\ta::b\n");

        assert_eq!(recording.statements["SELECT 1"].len(), 2);
        assert!(!recording.statements.contains_key("SELECT 2"));
        assert!(recording.product.contains("SELECT 1") && !recording.product.contains("SELECT 3"));
        let reach = recording.of_operation("GET /a");
        let [test] = &reach[..] else { panic!("one test") };
        assert_eq!(test.to_string(), "api a::b");
        assert_eq!(Test::parse("api a::b").as_ref(), Some(test));
        assert_eq!(recording.durations[test], 70);
        recording.remove("api", &["c::d".to_owned()]);
        assert_eq!(recording.statements["SELECT 1"].len(), 1);
    }
}
