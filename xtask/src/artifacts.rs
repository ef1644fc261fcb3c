//! `cargo xtask artifacts`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use goblin::elf::Elf;
use local_stack::{Scratch, ToolSet};

use crate::{
    progress::print,
    project::{self, Project},
};

/// Check that the last build of `cargo xtask sam-build` runs on Amazon Linux 2023 and is small
///
/// Every function must work with the C library of that system. Every program of the layer must find the libraries that it needs. The
/// archive of a function must not be larger than 10 MiB.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// The version of glibc in Amazon Linux 2023.
const MAX_GLIBC: (u32, u32) = (2, 34);
/// In bytes. Lambda loads the archive at a cold start.
const MAX_ARCHIVE_SIZE: u64 = 10 << 20;
/// Libraries that Lambda's runtime has, with their packages. It is built from the minimal image of Amazon Linux 2023 ("Comparing
/// packages installed on Amazon Linux 2023 images", in its User Guide). Only libraries that this project needs are listed.
const LIBRARIES: [(&str, &str); 13] = [
    ("ld-linux-aarch64.so.1", "glibc"),
    ("ld-linux-x86-64.so.2", "glibc"),
    ("libc.so.6", "glibc"),
    ("libdl.so.2", "glibc"),
    ("libm.so.6", "glibc"),
    ("libpthread.so.0", "glibc"),
    ("libgcc_s.so.1", "libgcc"),
    ("libgssapi_krb5.so.2", "krb5-libs"),
    ("liblz4.so.1", "lz4-libs"),
    ("libzstd.so.1", "libzstd"),
    ("libcrypto.so.3", "openssl-libs"),
    ("libssl.so.3", "openssl-libs"),
    ("libz.so.1", "zlib"),
];

/// What a program or library needs from its system.
struct Needs {
    glibc: (u32, u32),
    libraries: Vec<String>,
}

/// Checks the last build.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    check(project, true)?;
    Ok(ExitCode::SUCCESS)
}

/// Fails if a file does not run on Amazon Linux, or, in an `optimized` build, if an archive is too large.
pub fn check(project: &Project, optimized: bool) -> Result<()> {
    let build = project.root.join(".aws-sam/build");
    let mut problems = Vec::new();
    for folder in folders(&build).context("no build found; run `cargo xtask sam-build` first")? {
        let bootstrap = folder.join("bootstrap");
        if bootstrap.exists() {
            let needs = needs(&bootstrap)?;
            problems.extend(unmet(&folder, &needs, &[]));
            if optimized {
                let size = archive_size(project, &bootstrap)?;
                let name = folder.file_name().unwrap_or_default().display();
                #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
                let mebibytes = size as f64 / f64::from(1 << 20);
                print(&format!(
                    "{name:<16} {mebibytes:>5.1} MiB, glibc {}.{}\n",
                    needs.glibc.0, needs.glibc.1
                ))?;
                if size > MAX_ARCHIVE_SIZE {
                    problems.push(format!("{name}: the archive is too large ({mebibytes:.1} MiB)"));
                }
            }
        } else {
            // The layer, with one folder per architecture.
            for architecture in folders(&folder)? {
                let bundled = names(&architecture.join("lib"))?;
                for file in [files(&architecture.join("bin"))?, files(&architecture.join("lib"))?].concat() {
                    problems.extend(unmet(&file, &needs(&file)?, &bundled));
                }
            }
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

fn needs(file: &Path) -> Result<Needs> {
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let elf = Elf::parse(&bytes).with_context(|| format!("{} is not an ELF file", file.display()))?;
    let mut glibc = (0, 0);
    for library in elf.verneed.iter().flatten() {
        for version in &library {
            let name = elf.dynstrtab.get_at(version.vna_name).unwrap_or_default();
            glibc = glibc.max(glibc_version(name).unwrap_or_default());
        }
    }
    let libraries = elf.libraries.iter().map(|&library| library.to_owned()).collect();
    Ok(Needs { glibc, libraries })
}

/// Parses `GLIBC_2.34`. Old versions have a third number.
fn glibc_version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.strip_prefix("GLIBC_")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

/// Returns a problem for each thing that `file` needs and that neither Amazon Linux nor `bundled` has.
fn unmet(file: &Path, needs: &Needs, bundled: &[String]) -> Vec<String> {
    let exists =
        |library: &String| bundled.contains(library) || LIBRARIES.iter().any(|(known, _)| known == library);
    let missing = needs.libraries.iter().filter(|library| !exists(library));
    let mut problems: Vec<_> =
        missing.map(|library| format!("{}: needs {library}", file.display())).collect();
    if needs.glibc > MAX_GLIBC {
        problems.push(format!("{}: needs glibc {}.{}", file.display(), needs.glibc.0, needs.glibc.1));
    }
    problems
}

/// Returns the size of the archive that SAM uploads.
fn archive_size(project: &Project, bootstrap: &Path) -> Result<u64> {
    let scratch = Scratch::create()?;
    let archive = scratch.path().join("function.zip");
    let python = project.tools(ToolSet::Checks)?.program("python");
    let mut zip = project.command(python);
    project::output(zip.args(["-m", "zipfile", "--create"]).arg(&archive).arg(bootstrap))?;
    Ok(fs::metadata(&archive).context("read the size of the archive")?.len())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    Ok(files(folder)?.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_or_glibc_of_a_newer_system_is_a_problem() {
        let needs =
            Needs { glibc: (2, 38), libraries: vec!["libpq.so.5".to_owned(), "libc.so.6".to_owned()] };
        let problems = unmet(Path::new("bootstrap"), &needs, &[]);
        assert_eq!(problems, ["bootstrap: needs libpq.so.5", "bootstrap: needs glibc 2.38"]);
        let needs = Needs { glibc: (2, 34), ..needs };
        assert!(unmet(Path::new("pg_dump"), &needs, &["libpq.so.5".to_owned()]).is_empty());
    }

    #[test]
    fn needs_are_read_from_a_program() {
        let needs = needs(&std::env::current_exe().expect("this program")).expect("an ELF file");
        assert!(needs.glibc > (2, 0));
        assert!(needs.libraries.contains(&"libc.so.6".to_owned()));
    }
}
