//! Finds the settings that each function requires, in its source. So this crate needs no list of functions.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

const BEGIN: &str = "const REQUIRED: &[&str] =";

/// Returns the variables that functions in the folder `functions` require, each with the names of these functions.
pub fn by_variable(functions: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut required: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for function in names(functions)? {
        let source = functions.join(&function).join("src");
        let mut texts =
            names(&source)?.into_iter().filter_map(|file| fs::read_to_string(source.join(file)).ok());
        let variables = texts.find_map(|text| variables(&text));
        for variable in
            variables.with_context(|| format!("no file of functions/{function}/src has `{BEGIN}`"))?
        {
            required.entry(variable).or_default().push(function.clone());
        }
    }
    Ok(required)
}

/// Returns the list in `text`, if it has one.
fn variables(text: &str) -> Option<Vec<String>> {
    let (list, _) = text.split_once(BEGIN)?.1.split_once(';')?;
    Some(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// Returns the names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}
