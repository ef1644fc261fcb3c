//! A cold start as in a deployment: secrets over TLS, then PostgreSQL over TLS behind its delay, and Redis behind its own.

use std::{collections::HashMap, fs};

use anyhow::{Context, Result};
use harness::{Identity, create_secret, service, split_credentials};
use local_stack::Scratch;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{accuracy::Accuracy, delayed, progress};
use crate::{
    instance::Instance,
    secrets::TlsProxy,
    world::{World, get, millis},
};

/// The request of a client that wants TLS (PostgreSQL manual, "Message Formats": `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// What starts, and what it answers first.
const STARTS: [(&str, &str); 2] = [("auth", "/v1/auth/me"), ("organizations", "/v1/organizations")];

/// The starts of a function, in milliseconds.
pub struct Cold {
    pub function: &'static str,
    pub path: &'static str,
    /// From the start of the process to its request for an event.
    pub init: Vec<f64>,
    /// From the start of the process to the first authenticated answer.
    pub first: Vec<f64>,
}

/// Starts each function as often as there are rounds.
pub async fn run(world: &World, postgres: &Accuracy, redis: &Accuracy) -> Result<Vec<Cold>> {
    let auth = Instance::start(&world.programs.join("auth"), &world.environment).await?;
    let token = world.register(&auth).await?.token;
    drop(auth);
    let secrets = TlsProxy::start().await?;
    let folder = Scratch::create()?;
    let mut environment = world.environment.clone();
    environment.extend(secrets.variables());
    let (url, _postgres) = delayed(&with_tls(&world.database.pooler_url(), &folder).await?, postgres)?;
    // Redis is reached without TLS: the functions trust only public authorities there.
    let (redis_url, _redis) = delayed(&service("TEST_REDIS_URL"), redis)?;
    for (name, url) in [("DATABASE", url), ("REDIS", redis_url)] {
        environment.extend(as_deployed(name, &url).await);
    }
    let mut starts =
        STARTS.map(|(function, path)| Cold { function, path, init: Vec::new(), first: Vec::new() });
    for _ in 0..world.rounds {
        for Cold { function, path, init, first } in &mut starts {
            let instance = Instance::start(&world.programs.join(*function), &environment).await?;
            let (_, took) = instance.request(&get(path, Some(&token)), 200).await?;
            init.push(millis(instance.init));
            first.push(millis(instance.init + took));
        }
    }
    progress("Cold starts");
    Ok(starts.into())
}

/// Returns the variables of a service: the URL without credentials, and the secret with them.
async fn as_deployed(name: &str, url: &str) -> HashMap<String, String> {
    let (url, credentials) = split_credentials(url);
    let secret = create_secret(&credentials).await;
    HashMap::from([(format!("{name}_URL"), url), (format!("{name}_CREDENTIALS"), secret)])
}

/// Puts TLS in front of PostgreSQL at `url`. Returns a URL with which the server is verified.
async fn with_tls(url: &str, folder: &Scratch) -> Result<String> {
    let Identity { authority, acceptor, .. } = Identity::localhost();
    let file = folder.path().join("database.pem");
    fs::write(&file, authority)?;
    let mut url = url::Url::parse(url)?;
    let service = *url.socket_addrs(|| None)?.first().context("an address")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    url.set_host(Some("localhost"))?;
    url.set_port(Some(listener.local_addr()?.port())).map_err(|()| anyhow::anyhow!("a URL with a port"))?;
    url.set_query(Some(&format!("sslmode=verify-full&sslrootcert={}", file.display())));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { carry(client, &acceptor, service).await });
        }
    });
    Ok(url.into())
}

/// Accepts TLS, and passes what is inside to the service.
async fn carry(mut client: TcpStream, acceptor: &TlsAcceptor, service: std::net::SocketAddr) -> Result<()> {
    client.set_nodelay(true)?;
    let mut request = [0; SSL_REQUEST.len()];
    client.read_exact(&mut request).await?;
    anyhow::ensure!(request == SSL_REQUEST, "a client without TLS");
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(service).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
