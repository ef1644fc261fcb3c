//! A TCP proxy that delays, as the network of a region does: every chunk arrives a fixed time after it was sent, in each direction, and
//! chunks do not wait for each other. It also counts round trips: how often the client waits for an answer.
//!
//! One thread per connection waits in `ppoll` for bytes and for the next chunk that is due. The timers of tokio have a resolution of a
//! millisecond; those of `ppoll` have one of microseconds.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    thread::set_current_timer_slack,
};

/// A delay in each direction that can be changed while the proxy runs.
#[derive(Debug, Clone, Default)]
pub struct Delay(Arc<AtomicU64>);

impl Delay {
    pub fn new(each_way: Duration) -> Self {
        let delay = Self::default();
        delay.set(each_way);
        delay
    }

    pub fn set(&self, each_way: Duration) {
        self.0.store(u64::try_from(each_way.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// A proxy on an unused port. It runs until the program ends.
pub struct DelayProxy {
    pub address: SocketAddr,
    trips: Arc<AtomicUsize>,
}

impl DelayProxy {
    /// Starts a proxy in front of `service`.
    pub fn start(service: SocketAddr, delay: &Delay) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { address: listener.local_addr()?, trips: Arc::default() };
        let (delay, trips) = (delay.clone(), Arc::clone(&proxy.trips));
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let accepted = Instant::now();
                let (delay, trips) = (delay.clone(), Arc::clone(&trips));
                thread::spawn(move || {
                    let server = TcpStream::connect(service)?;
                    Connection::new(&client, &server, delay, accepted)?.carry(&trips)
                });
            }
        });
        Ok(proxy)
    }

    /// Returns the number of round trips so far.
    pub fn trips(&self) -> usize {
        self.trips.load(Ordering::Relaxed)
    }
}

/// One direction of a connection.
struct Direction {
    from: TcpStream,
    to: TcpStream,
    /// Chunks with the times at which they arrive. An empty one ends the direction.
    on_the_way: VecDeque<(Instant, Vec<u8>)>,
    /// The sender has ended the direction.
    ended: bool,
}

impl Direction {
    /// Reads what was sent. Returns whether there was anything.
    fn receive(&mut self, arrives: Instant) -> std::io::Result<bool> {
        let mut chunk = vec![0; 1 << 16];
        let length = match self.from.read(&mut chunk) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => return Err(error),
        };
        chunk.truncate(length);
        self.ended = chunk.is_empty();
        self.on_the_way.push_back((arrives, chunk));
        Ok(!self.ended)
    }

    /// Delivers every chunk that is due.
    fn deliver(&mut self) -> std::io::Result<()> {
        while let Some((_, chunk)) = self.on_the_way.pop_front_if(|(due, _)| *due <= Instant::now()) {
            if chunk.is_empty() {
                self.to.shutdown(Shutdown::Write)?;
            } else {
                self.to.write_all(&chunk)?;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.ended && self.on_the_way.is_empty()
    }
}

struct Connection {
    requests: Direction,
    answers: Direction,
    delay: Delay,
    /// The system accepts a connection immediately. From this time on a client over the network would be connected.
    connected: Instant,
}

impl Connection {
    fn new(client: &TcpStream, server: &TcpStream, delay: Delay, accepted: Instant) -> std::io::Result<Self> {
        // Send small packets immediately, without Nagle's algorithm.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let direction = |from: &TcpStream, to: &TcpStream| {
            std::io::Result::Ok(Direction {
                from: from.try_clone()?,
                to: to.try_clone()?,
                on_the_way: VecDeque::new(),
                ended: false,
            })
        };
        let connected = accepted + 2 * delay.get();
        Ok(Self {
            requests: direction(client, server)?,
            answers: direction(server, client)?,
            delay,
            connected,
        })
    }

    /// Passes bytes in both directions until both have ended. A round trip begins with the first bytes of the client after bytes of
    /// the server.
    fn carry(mut self, trips: &AtomicUsize) -> std::io::Result<()> {
        set_current_timer_slack(NonZeroU64::new(1))?;
        let mut waits = false;
        while !(self.requests.is_done() && self.answers.is_done()) {
            let [request, answer] = self.wait()?;
            let now = Instant::now();
            if request && self.requests.receive(now.max(self.connected) + self.delay.get())? && !waits {
                trips.fetch_add(1, Ordering::Relaxed);
                waits = true;
            }
            if answer && self.answers.receive(now + self.delay.get())? {
                waits = false;
            }
            self.requests.deliver()?;
            self.answers.deliver()?;
        }
        Ok(())
    }

    /// Waits for bytes, or until the next chunk is due. Returns which of the directions has bytes.
    fn wait(&self) -> std::io::Result<[bool; 2]> {
        let directions = [&self.requests, &self.answers];
        let next =
            directions.iter().filter_map(|direction| direction.on_the_way.front()).map(|(due, _)| *due);
        let timeout = next.min().map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // An ended direction is left out: its end would be reported again and again.
        let open = [0, 1].into_iter().filter(|index| !directions[*index].ended);
        let mut polled: Vec<_> =
            open.clone().map(|index| PollFd::new(&directions[index].from, PollFlags::IN)).collect();
        poll(&mut polled, timeout.as_ref())?;
        let mut ready = [false; 2];
        for (index, polled) in open.zip(&polled) {
            ready[index] = !polled.revents().is_empty();
        }
        Ok(ready)
    }
}
