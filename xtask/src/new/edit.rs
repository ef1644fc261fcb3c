//! Changes to files. They are collected first and written last, so a failure changes nothing.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// The files that a command will write, by path from the top folder.
pub struct Plan<'a> {
    root: &'a Path,
    files: BTreeMap<String, File>,
}

struct File {
    text: String,
    is_new: bool,
}

impl<'a> Plan<'a> {
    pub fn new(root: &'a Path) -> Self {
        Self { root, files: BTreeMap::new() }
    }

    /// Adds a file. Refuses a path that exists.
    pub fn create(&mut self, path: &str, text: String) -> Result<()> {
        ensure!(!self.root.join(path).exists(), "{path} exists already");
        self.files.insert(path.to_owned(), File { text, is_new: true });
        Ok(())
    }

    /// Returns the text of a file, with the changes so far.
    pub fn text(&self, path: &str) -> Result<String> {
        match self.files.get(path) {
            Some(file) => Ok(file.text.clone()),
            None => fs::read_to_string(self.root.join(path)).with_context(|| format!("read {path}")),
        }
    }

    /// Inserts `new` before the first `anchor`.
    pub fn before(&mut self, path: &str, anchor: &str, new: &str) -> Result<()> {
        self.insert(path, anchor, new, |text| text.find(anchor))
    }

    /// Inserts `new` after the first `anchor`.
    pub fn after(&mut self, path: &str, anchor: &str, new: &str) -> Result<()> {
        self.insert(path, anchor, new, |text| Some(text.find(anchor)? + anchor.len()))
    }

    /// Inserts `new` before the first `end` that follows the first `begin`.
    pub fn within(&mut self, path: &str, begin: &str, end: &str, new: &str) -> Result<()> {
        self.insert(path, begin, new, |text| {
            let inside = text.find(begin)? + begin.len();
            Some(inside + text[inside..].find(end)?)
        })
    }

    /// Adds `new` at the end of a file.
    pub fn append(&mut self, path: &str, new: &str) -> Result<()> {
        self.insert(path, "", new, |text| Some(text.len()))
    }

    /// Adds a row to the end of the table below the line `header`.
    pub fn last_row(&mut self, path: &str, header: &str, row: &str) -> Result<()> {
        self.row_before(path, header, row, |_| false)
    }

    /// Adds a row to the sorted table below the line `header`.
    pub fn sorted_row(&mut self, path: &str, header: &str, row: &str) -> Result<()> {
        self.row_before(path, header, row, |other| other > row)
    }

    /// Adds a row to the table below the line `header`, before the first row that `is_next`, or else at the end.
    fn row_before(
        &mut self,
        path: &str,
        header: &str,
        row: &str,
        is_next: impl Fn(&str) -> bool,
    ) -> Result<()> {
        self.insert(path, header, &format!("{row}\n"), |text| {
            let (mut place, mut rows) = (text.find(&format!("{header}\n"))?, 0);
            for line in text[place..].split_inclusive('\n') {
                // The first two lines are the header and the line below it.
                if rows > 1 && (!line.starts_with('|') || is_next(line.trim_end())) {
                    break;
                }
                place += line.len();
                rows += 1;
            }
            Some(place)
        })
    }

    /// Adds a line to the sorted lines that begin with `first` and end before an empty line.
    pub fn sorted_line(&mut self, path: &str, first: &str, line: &str) -> Result<()> {
        self.insert(path, first, &format!("{line}\n"), |text| {
            let mut place = text.find(first)?;
            for other in text[place..].split_inclusive('\n') {
                let other_is_next = !other.starts_with('[') && other.trim_end() > line;
                if other == "\n" || other_is_next {
                    break;
                }
                place += other.len();
            }
            Some(place)
        })
    }

    /// Adds a section to the sorted sections of a page whose headings are names of code: "## `name`".
    pub fn section(&mut self, path: &str, name: &str, text: &str) -> Result<()> {
        let heading = format!("## `{name}`");
        self.insert(path, "## `", &format!("{heading}\n\n{text}\n"), |page| {
            let (mut place, mut found) = (0, None);
            for line in page.split_inclusive('\n') {
                if line.starts_with("## `") && line.trim_end() > heading.as_str() {
                    found = Some(place);
                    break;
                }
                place += line.len();
            }
            found
        })
    }

    /// Replaces the first `old`.
    pub fn replace(&mut self, path: &str, old: &str, new: &str) -> Result<()> {
        let text = self.text(path)?;
        ensure!(text.contains(old), "`{old}` not found in {path}. Change it by hand to:\n{new}");
        let is_new = self.files.get(path).is_some_and(|file| file.is_new);
        self.files.insert(path.to_owned(), File { text: text.replacen(old, new, 1), is_new });
        Ok(())
    }

    /// Inserts `new` at the place that `find` returns. An error says what to add by hand.
    fn insert(
        &mut self,
        path: &str,
        anchor: &str,
        new: &str,
        find: impl Fn(&str) -> Option<usize>,
    ) -> Result<()> {
        let mut text = self.text(path)?;
        let Some(place) = find(&text) else {
            bail!("anchor `{}` not found in {path}. Add there by hand:\n{new}", anchor.trim());
        };
        text.insert_str(place, new);
        let is_new = self.files.get(path).is_some_and(|file| file.is_new);
        self.files.insert(path.to_owned(), File { text, is_new });
        Ok(())
    }

    /// Formats the Rust files, as `cargo fmt` would.
    pub fn format(&mut self) -> Result<()> {
        let rust = self
            .files
            .iter_mut()
            .filter(|(path, _)| Path::new(path).extension().is_some_and(|kind| kind == "rs"));
        for (path, file) in rust {
            file.text = format(self.root, &file.text).with_context(|| format!("format {path}"))?;
        }
        Ok(())
    }

    /// The files that are created, and those that are changed.
    pub fn summary(&self) -> String {
        let paths = |is_new: bool| -> String {
            let some = self.files.iter().filter(|(_, file)| file.is_new == is_new);
            some.map(|(path, _)| format!("  {path}\n")).collect::<Vec<_>>().concat()
        };
        format!("Created:\n{}Changed:\n{}", paths(true), paths(false))
    }

    /// Writes all files.
    pub fn write(self) -> Result<()> {
        for (path, file) in self.files {
            let target = self.root.join(&path);
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
            }
            fs::write(&target, file.text).with_context(|| format!("write {path}"))?;
        }
        Ok(())
    }
}

/// Formats one file; `root` has rustfmt's settings.
fn format(root: &Path, text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).current_dir(root);
    rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = rustfmt.spawn().context("start rustfmt")?;
    // A file is smaller than the pipe's two ends can hold, and rustfmt reads all before it writes.
    child
        .stdin
        .take()
        .context("a pipe to rustfmt")?
        .write_all(text.as_bytes())
        .context("write to rustfmt")?;
    let output = child.wait_with_output().context("wait for rustfmt")?;
    ensure!(output.status.success(), "rustfmt failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout).context("read from rustfmt")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n\n| name | value |\n|---|---|\n| b | 1 |\n| d | 2 |\n\nEnd.\n";

    /// A plan that has read `PAGE` as `page.md`.
    fn plan() -> Plan<'static> {
        let mut plan = Plan::new(Path::new("/nowhere"));
        plan.create("page.md", PAGE.to_owned()).expect("a new file");
        plan
    }

    #[test]
    fn text_is_inserted_at_its_anchor() {
        let mut plan = plan();
        plan.before("page.md", "End", "The ").expect("an anchor");
        plan.after("page.md", "# Page", " one").expect("an anchor");
        plan.within("page.md", "| d |", " |\n", "0").expect("an anchor");
        plan.append("page.md", "More.\n").expect("the end");
        let changed = PAGE.replace("# Page", "# Page one").replace("| d | 2", "| d | 20");
        assert_eq!(plan.text("page.md").expect("a text"), changed.replace("End.", "The End.") + "More.\n");
    }

    #[test]
    fn rows_are_added_in_order_or_last() {
        for (row, place) in [("| a | 0 |", 0), ("| c | 0 |", 1), ("| e | 0 |", 2)] {
            let mut plan = plan();
            plan.sorted_row("page.md", "| name | value |", row).expect("a table");
            let text = plan.text("page.md").expect("a text");
            assert_eq!(text.lines().nth(4 + place), Some(row));
        }
        let mut plan = plan();
        plan.last_row("page.md", "| name | value |", "| a | 0 |").expect("a table");
        assert_eq!(plan.text("page.md").expect("a text").lines().nth(6), Some("| a | 0 |"));
    }

    #[test]
    fn a_missing_anchor_is_named_with_what_to_add() {
        for failed in [
            plan().before("page.md", "Nowhere", "a new line"),
            plan().after("page.md", "Nowhere", "a new line"),
            plan().within("page.md", "Nowhere", "\n", "a new line"),
            plan().within("page.md", "Nowhere", "End", "a new line"),
            plan().sorted_row("page.md", "Nowhere", "a new line"),
        ] {
            let error = failed.expect_err("no anchor").to_string();
            assert!(error.contains("`Nowhere` not found in page.md"), "{error}");
            assert!(error.contains("by hand:\na new line"), "{error}");
        }
    }

    #[test]
    fn a_file_that_exists_is_not_replaced() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = Plan::new(root).create("Cargo.toml", String::new()).expect_err("the file exists");
        assert_eq!(error.to_string(), "Cargo.toml exists already");
    }
}
