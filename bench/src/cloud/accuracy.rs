//! How precise the delay of a proxy is. The threads that read and write take some microseconds themselves, which the proxy then subtracts.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::delay::{Delay, DelayProxy};
use crate::{warm::median, world::millis};

/// Round trips of a measurement.
const TRIPS: usize = 1000;

/// A delay, and what a round trip through it takes longer than without the proxy.
pub struct Accuracy {
    pub service: &'static str,
    /// The delay in each direction that was asked for.
    pub wanted: Duration,
    /// What the proxies use.
    pub delay: Delay,
    /// What the proxy adds to a round trip, in milliseconds: median, and 99th percentile.
    pub added: [f64; 2],
}

/// Measures a proxy in front of a server that repeats what it reads, and adjusts the delay.
pub fn adjust(service: &'static str, wanted: Duration) -> Result<Accuracy> {
    let echo = echo()?;
    let delay = Delay::new(wanted);
    let proxy = DelayProxy::start(echo, &delay)?;
    let [direct, through] = measure(echo, proxy.address)?;
    let excess = median(through).saturating_sub(median(direct)).saturating_sub(2 * wanted);
    delay.set(wanted.saturating_sub(excess / 2));
    let [direct, mut through] = measure(echo, proxy.address)?;
    through.sort();
    let direct = millis(median(direct));
    let added = [through[TRIPS / 2], through[TRIPS * 99 / 100]].map(|trip| millis(trip) - direct);
    eprintln!(
        "  ✓ Delay of {service}: {} ms each way; a round trip takes {:.3} ms longer (p99 {:.3})",
        millis(wanted),
        added[0],
        added[1]
    );
    Ok(Accuracy { service, wanted, delay, added })
}

/// Starts a server that repeats what it reads.
fn echo() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            thread::spawn(move || -> std::io::Result<u64> {
                client.set_nodelay(true)?;
                std::io::copy(&mut client.try_clone()?, &mut client)
            });
        }
    });
    Ok(address)
}

/// Measures round trips, directly and through the proxy in turn.
fn measure(direct: SocketAddr, proxy: SocketAddr) -> Result<[Vec<Duration>; 2]> {
    let mut streams = [TcpStream::connect(direct)?, TcpStream::connect(proxy)?];
    for stream in &mut streams {
        stream.set_nodelay(true)?;
        // Not measured: the first bytes wait until the connection would be established.
        trip(stream)?;
    }
    let mut taken: [Vec<Duration>; 2] = Default::default();
    for _ in 0..TRIPS {
        for (stream, taken) in streams.iter_mut().zip(&mut taken) {
            taken.push(trip(stream)?);
        }
    }
    Ok(taken)
}

fn trip(stream: &mut TcpStream) -> Result<Duration> {
    let mut byte = [0];
    let started = Instant::now();
    stream.write_all(&byte)?;
    stream.read_exact(&mut byte)?;
    Ok(started.elapsed())
}
