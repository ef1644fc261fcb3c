//! The socket between sqlx and this process's own end of it.
//!
//! sqlx connects to a host or to a Unix socket, and to nothing else. A Unix socket and not a port: its folder is closed to other
//! users, and the kernel names the process at the other end. Another process that connects first is refused, and after one
//! connection the socket is deleted.

use std::{
    env, fs, io,
    os::unix::{fs::DirBuilderExt, net::UnixStream},
    path::{Path, PathBuf},
    process,
};

use tokio::net::UnixListener;
use uuid::Uuid;

/// The file that sqlx looks for in the folder, for port [`PORT`].
const FILE: &str = ".s.PGSQL.5432";
pub(super) const PORT: u16 = 5432;

/// Waits for one connection of this process.
pub(super) struct Listener {
    socket: UnixListener,
    folder: PathBuf,
}

impl Listener {
    pub(super) fn bind() -> io::Result<Self> {
        // Short: macOS has room for 103 bytes.
        let folder = env::temp_dir().join(Uuid::new_v4().simple().to_string());
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let socket = UnixListener::bind(folder.join(FILE)).inspect_err(|_| _ = fs::remove_dir(&folder))?;
        Ok(Self { socket, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Accepts the connection of this process.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        let own = i32::try_from(process::id()).map_err(io::Error::other)?;
        loop {
            let (stream, _) = self.socket.accept().await?;
            if stream.peer_cred()?.pid() == Some(own) {
                return stream.into_std();
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // What stays is an empty folder or a socket without a process.
        _ = fs::remove_file(self.folder.join(FILE));
        _ = fs::remove_dir(&self.folder);
    }
}
