//! The second loopback address. `localhost` and `cargo lambda invoke` mean `::1` first, and a server listens on `127.0.0.1`.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    thread,
};

/// Forwards connections to `[::1]:<port>` to `127.0.0.1:<port>` until the process ends. Does nothing on a machine without IPv6.
pub fn forward(port: u16) {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)) else { return };
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // Without a server, the client sees that its connection is closed.
            thread::spawn(move || connect(&client, port));
        }
    });
}

fn connect(client: &TcpStream, port: u16) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    thread::scope(|scope| {
        scope.spawn(|| copy(client, &server));
        copy(&server, client);
    });
    Ok(())
}

/// Copies until `from` ends, and then ends `to`.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _either_side_may_leave = io::copy(&mut from, &mut to);
    let _is_closed = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn answer_of_a_server_at_the_first_address_comes_from_the_second_too() {
        let port = crate::ports::free().expect("a port");
        forward(port);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a server");
        // A machine may have no IPv6.
        let Ok(mut client) = TcpStream::connect((Ipv6Addr::LOCALHOST, port)) else { return };
        client.write_all(b"question").expect("a write");
        client.shutdown(Shutdown::Write).expect("an end");
        let (mut server, _) = listener.accept().expect("a client");
        let mut text = String::new();
        server.read_to_string(&mut text).expect("a question");
        assert_eq!(text, "question");
        server.write_all(b"answer").expect("a write");
        drop(server);
        text.clear();
        client.read_to_string(&mut text).expect("an answer");
        assert_eq!(text, "answer");
    }
}
