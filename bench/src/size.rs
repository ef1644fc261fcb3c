//! The archive size of each function.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use local_stack::{Scratch, Tools};

use crate::{
    report::{Report, Target},
    world::World,
};

/// Packs each function as SAM does for the upload.
pub fn run(world: &World, report: &mut Report) -> Result<()> {
    let python = Tools::at(harness::service("TEST_TOOLS")).program("python");
    let entries =
        fs::read_dir(&world.programs).with_context(|| format!("read {}", world.programs.display()))?;
    let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.join("bootstrap").exists()) {
        let scratch = Scratch::create()?;
        let archive = scratch.path().join("function.zip");
        let mut pack = Command::new(&python);
        pack.args(["-m", "zipfile", "--create"]).arg(&archive).arg(folder.join("bootstrap"));
        ensure!(pack.status()?.success(), "packing {} failed", folder.display());
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let size = fs::metadata(&archive)?.len() as f64 / 1e6;
        let name = folder.file_name().unwrap_or_default().display().to_string();
        report.add_value("size", name, "MB", &[size], Target::AtMost(4.5));
    }
    Ok(())
}
