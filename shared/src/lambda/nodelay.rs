//! `TCP_NODELAY` for the connections to the Runtime API.
//!
//! `lambda_runtime` does not set it and has no option for it. The head of a streamed response and its first events are small
//! segments. Without the option, the kernel keeps the first event back until the segments before are acknowledged, 40 ms later.

use std::{
    env, fs, io,
    net::{SocketAddr, TcpStream},
};

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Returns the address of the Runtime API, if the variable has an IP address, as in Lambda.
pub fn runtime_api() -> Option<SocketAddr> {
    #[expect(clippy::disallowed_methods, reason = "Lambda sets this variable; it is no setting")]
    let url = env::var("AWS_LAMBDA_RUNTIME_API").ok()?;
    address(&url)
}

/// `cargo lambda watch` appends the name of the function.
fn address(url: &str) -> Option<SocketAddr> {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    url.split('/').next()?.parse().ok()
}

/// Sets the option for the connections of this process to `peer`. Fails where the kernel does not allow it; then all works, but slower.
pub fn set(peer: SocketAddr) -> io::Result<()> {
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    for file in fs::read_dir("/proc/self/fd")? {
        let Some(number) = file?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // The copy has the options of the socket, and is closed at the end of the loop. The folder itself is closed already.
        let Ok(copy) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else { continue };
        let socket = TcpStream::from(copy);
        if socket.peer_addr().is_ok_and(|address| address == peer) {
            socket.set_nodelay(true)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn connections_to_one_address_are_changed() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [api, other] = listeners.each_ref().map(|listener| listener.local_addr().expect("an address"));
        let [wanted, unwanted] =
            [api, other].map(|address| TcpStream::connect(address).expect("a connection"));
        set(api).expect("allowed");
        let options = [wanted, unwanted].map(|stream| stream.nodelay().expect("an option"));
        assert_eq!(options, [true, false]);
    }

    #[test]
    fn address_is_read_as_lambda_and_its_emulators_write_it() {
        for (url, expected) in [
            ("169.254.100.1:9001", Some("169.254.100.1:9001")),
            ("http://127.0.0.1:9000/answers", Some("127.0.0.1:9000")),
            ("[::1]:9000/answers", Some("[::1]:9000")),
            ("localhost:9000", None),
            ("", None),
        ] {
            assert_eq!(address(url).map(|address| address.to_string()).as_deref(), expected, "{url}");
        }
    }
}
