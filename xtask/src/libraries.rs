//! Libraries that are built already, for a build folder of a copy of this checkout.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result};

use crate::project::{Profile, Project};

/// The folders of a cargo build folder whose entries belong to one package each.
const FOLDERS: [&str; 3] = ["deps", "build", ".fingerprint"];

/// Links the built libraries of the registry into the build folder `target`, so that a copy of the checkout need not build them
/// again. The packages of the workspace are left out: cargo could not see which sources they were built from.
pub fn link(project: &Project, target: &Path) -> Result<()> {
    let own: HashSet<String> = project.targets()?.iter().map(|name| name.replace('-', "_")).collect();
    for folder in FOLDERS {
        let from = project.target(Profile::Dev)?.join(folder);
        let to = target.join(Profile::Dev.folder()).join(folder);
        fs::create_dir_all(&to).with_context(|| format!("create {}", to.display()))?;
        for entry in fs::read_dir(&from).with_context(|| format!("read {}", from.display()))? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| !own.contains(&package(name))) {
                link_all(&from.join(&name), &to.join(&name))?;
            }
        }
    }
    Ok(())
}

/// Returns the name of the package or target of `libname-0123456789abcdef.rlib`, with underscores.
fn package(file: &str) -> String {
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    name.strip_prefix("lib").unwrap_or(name).replace('-', "_")
}

fn link_all(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
        for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
            let name = entry?.file_name();
            link_all(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    if to.exists() {
        return Ok(());
    }
    fs::hard_link(from, to).with_context(|| format!("link {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn a_built_file_names_its_package() {
        assert_eq!(package("libserde_json-3f2a.rlib"), "serde_json");
        assert_eq!(package("restore-drill-3f2a"), "restore_drill");
        assert_eq!(package("libc-3f2a.d"), "c");
    }
}
