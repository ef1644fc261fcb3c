//! The copy of the sources that the trial builds. In it, each check of each operation can be taken away by an environment variable.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::patches::{NEW_FILES, PATCHES, Patch};
use crate::{
    libraries,
    project::{self, Project},
};

/// Copies all files that git tracks or would track, and patches them. Writes only what differs, so that a second build is short.
pub fn create(project: &Project) -> Result<Project> {
    let target = project.target_folder()?;
    let root = target.join("trial");
    let files = files(project)?;
    for (file, text) in contents(&project.root, &files)? {
        write(&root.join(file), &text)?;
    }
    remove_others(&root, &root, &files)?;
    let build = target.join("trial-build");
    libraries::link(project, &build)?;
    Ok(Project {
        root,
        interrupt: project.interrupt.clone(),
        home: project.home.clone(),
        target: Some(build),
    })
}

/// Returns the files of the checkout, which may have changes that are not committed.
fn files(project: &Project) -> Result<Vec<String>> {
    let mut list = project.command("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = String::from_utf8(project::output(&mut list)?).context("read the output of git")?;
    let exists = |file: &&str| !file.is_empty() && project.root.join(file).is_file();
    Ok(files.split('\0').filter(exists).map(str::to_owned).collect())
}

/// Returns every file of the copy with its content.
fn contents(root: &Path, files: &[String]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut contents = Vec::new();
    for file in files {
        let path = root.join(file);
        let mut content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        for patch in PATCHES.iter().filter(|patch| patch.file == file) {
            content = patched(patch, &content)?;
        }
        contents.push((file.clone(), content));
    }
    contents.extend(NEW_FILES.map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec())));
    Ok(contents)
}

/// Replaces the one place that the patch is about.
fn patched(patch: &Patch, content: &[u8]) -> Result<Vec<u8>> {
    let text = std::str::from_utf8(content).with_context(|| format!("{} is not text", patch.file))?;
    ensure!(
        text.matches(patch.from).count() == 1,
        "{} no longer has this text once; change the patch in xtask/src/trial/isolation/patches.rs:\n{}",
        patch.file,
        patch.from
    );
    Ok(text.replacen(patch.from, patch.to, 1).into_bytes())
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}

/// Removes what an earlier copy had in addition: a migration that was renamed would be applied twice.
fn remove_others(root: &Path, folder: &Path, files: &[String]) -> Result<()> {
    let known: HashSet<PathBuf> = files
        .iter()
        .map(String::as_str)
        .chain(NEW_FILES.map(|(file, _)| file))
        .map(|file| root.join(file))
        .collect();
    remove_unknown(folder, &known)
}

fn remove_unknown(folder: &Path, known: &HashSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry.context("read a folder")?.path();
        if path.is_dir() {
            remove_unknown(&path, known)?;
        } else if !known.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_finds_its_place() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the top folder");
        let files: HashSet<_> = PATCHES.iter().map(|patch| patch.file.to_owned()).collect();
        let contents = contents(root, &files.into_iter().collect::<Vec<_>>()).expect("all patches apply");
        for patch in PATCHES {
            let (_, content) = contents.iter().find(|(file, _)| file == patch.file).expect("the file");
            assert!(String::from_utf8_lossy(content).contains(patch.to), "{}: {}", patch.file, patch.to);
        }
    }

    #[test]
    fn a_patch_whose_place_is_gone_is_an_error() {
        let error = patched(&PATCHES[0], b"other text").expect_err("the place is gone").to_string();
        assert!(error.contains(PATCHES[0].file), "{error}");
    }
}
