//! The log of the functions of `cargo xtask dev`, line by line, as CloudWatch reads it in AWS.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde_json::Value;

pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Reads logs until it is dropped.
pub struct Follower {
    _stop: mpsc::Sender<()>,
}

/// Gets what the functions write.
pub trait Reader: Send {
    /// Gets a line that is a JSON object: its text, and its value.
    fn line(&mut self, text: &str, line: &Value);

    /// Is called after the lines that are there have been read.
    fn pause(&mut self);
}

impl Follower {
    /// Starts a thread that reads the lines that are written to `logs` from now on.
    pub fn start(logs: Vec<PathBuf>, mut readers: Vec<Box<dyn Reader>>) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let mut logs: Vec<_> = logs.into_iter().map(Log::new).collect();
        thread::spawn(move || {
            while stopped.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                for log in &mut logs {
                    log.read(|text| {
                        let Ok(line) = serde_json::from_str::<Value>(text) else { return };
                        if line.is_object() {
                            for reader in &mut readers {
                                reader.line(text, &line);
                            }
                        }
                    });
                }
                for reader in &mut readers {
                    reader.pause();
                }
            }
        });
        Self { _stop: stop }
    }
}

/// A file that grows. It may not exist yet.
pub struct Log {
    path: PathBuf,
    position: u64,
}

impl Log {
    /// Returns the log from its end.
    fn new(path: PathBuf) -> Self {
        let position = std::fs::metadata(&path).map_or(0, |file| file.len());
        Self { path, position }
    }

    /// Returns the log from its beginning.
    pub fn whole(path: PathBuf) -> Self {
        Self { path, position: 0 }
    }

    /// Reads the complete lines that are new. What cannot be read now is read later. A shorter file is that of a new run.
    pub fn read(&mut self, mut read: impl FnMut(&str)) {
        let Ok(mut file) = File::open(&self.path) else { return };
        if file.metadata().is_ok_and(|file| file.len() < self.position) {
            self.position = 0;
        }
        if file.seek(SeekFrom::Start(self.position)).is_err() {
            return;
        }
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) && line.ends_with(b"\n") {
            self.position += line.len() as u64;
            read(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, io::Write, process};

    use super::*;

    #[test]
    fn lines_are_read_once_and_only_when_they_are_complete() {
        let path = env::temp_dir().join(format!("arches-dev-log-{}", process::id()));
        let mut log = Log::new(path.clone());
        let read = |log: &mut Log| {
            let mut lines = Vec::new();
            log.read(|line| lines.push(line.to_owned()));
            lines
        };
        assert!(read(&mut log).is_empty(), "the file does not exist yet");
        let mut file = File::create(&path).expect("a file");
        for (written, expected) in
            [("one\ntw", vec!["one"]), ("", vec![]), ("o\nthree\n", vec!["two", "three"])]
        {
            file.write_all(written.as_bytes()).expect("a write");
            assert_eq!(read(&mut log), expected);
        }
        fs::write(&path, "new\n").expect("a new run");
        assert_eq!(read(&mut log), ["new"]);
        fs::remove_file(&path).expect("the file");
    }
}
