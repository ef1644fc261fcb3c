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

#[cfg(test)]
mod tests {
    use std::{
        env,
        io::Read,
        os::unix::fs::PermissionsExt,
        process::{Command, Stdio},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    /// Names the socket that the other process connects to.
    const SOCKET: &str = "TEST_FOREIGN_SOCKET";

    #[tokio::test]
    async fn only_this_process_can_connect() {
        // This test is also the other process: it connects, and waits until it is disconnected.
        #[expect(clippy::disallowed_methods, reason = "set below, for the other process only")]
        if let Ok(socket) = env::var(SOCKET) {
            let mut stream = UnixStream::connect(socket).expect("a listener");
            let end = stream.read(&mut [0]).expect("the end");
            assert_eq!(end, 0);
            return;
        }
        let listener = Listener::bind().expect("a socket");
        let folder = listener.folder().to_owned();
        let mode = fs::metadata(&folder).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let socket = folder.join(FILE);
        let mut other = Command::new(env::current_exe().expect("this program"));
        other.args(["--exact", "db::wire::local::tests::only_this_process_can_connect"]);
        other.env(SOCKET, &socket).stdout(Stdio::null());
        let mut other = other.spawn().expect("this program");
        // It is refused, so nothing is accepted until this process connects.
        let connect = async {
            let ended = tokio::task::spawn_blocking(move || other.wait()).await.expect("no panic");
            assert!(ended.expect("the end of the other process").success());
            UnixStream::connect(&socket).expect("a listener").local_addr().expect("an address")
        };
        let both = async { tokio::join!(listener.accept(), connect).0 };
        let accepted =
            timeout(Duration::from_secs(10), both).await.expect("the other process was not accepted");
        accepted.expect("the connection of this process");
        drop(listener);
        assert!(!folder.exists(), "nothing stays in the temporary folder");
    }
}
