//! A browser as far as a provider needs one: cookies, forms, and redirects that are followed by hand.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::{Url, form_urlencoded::Serializer};

/// The cookies of one site.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

/// An answer of a site.
pub struct Page {
    pub status: u16,
    /// The URL to which a redirect leads.
    pub location: Option<Url>,
    pub text: String,
}

impl Browser {
    pub async fn get(&mut self, url: &Url) -> Page {
        self.send("GET", url, String::new()).await
    }

    /// Sends a form.
    pub async fn post(&mut self, url: &Url, fields: &[(&str, &str)]) -> Page {
        self.send("POST", url, Serializer::new(String::new()).extend_pairs(fields).finish()).await
    }

    /// Chooses the persona `name` at one of the providers of `local-stack`; an empty one cancels. Returns the URL to which the browser is
    /// sent back.
    pub async fn choose(&mut self, start: &Url, name: &str) -> Url {
        let mut url = start.clone();
        let mut page = self.get(&url).await;
        for _ in 0..8 {
            if page.status == 200 {
                page = self.submit(&url, &page.text, name).await;
            }
            let next = page.location.take().unwrap_or_else(|| panic!("{}: {}", page.status, page.text));
            if next.path().starts_with("/v1/auth/oauth/") {
                return next;
            }
            page = self.get(&next).await;
            url = next;
        }
        panic!("the provider does not send the browser back from {url}");
    }

    /// Submits the form on a page, with its hidden fields.
    async fn submit(&mut self, url: &Url, page: &str, persona: &str) -> Page {
        let text = |escaped: &str| escaped.replace("&#38;", "&").replace("&#34;", "\"");
        let form = page.split("<form").nth(1).expect("a form");
        let attribute = |tag: &str, name: &str| {
            let value = tag.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            text(value.unwrap_or_default())
        };
        let hidden =
            form.split("<input").skip(1).map(|tag| (attribute(tag, "name"), attribute(tag, "value")));
        let mut fields: Vec<(String, String)> = hidden.collect();
        fields.push(("persona".to_owned(), persona.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&url.join(&attribute(form, "action")).expect("a URL"), &fields).await
    }

    async fn send(&mut self, method: &str, url: &Url, body: String) -> Page {
        let host =
            format!("{}:{}", url.host_str().expect("a host"), url.port_or_known_default().expect("a port"));
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        // HTTP/1.0: the answer ends with the connection.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let mut stream = TcpStream::connect(&host).await.expect("the provider accepts connections");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut location = None;
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "set-cookie" => self.keep(value),
                "location" => location = Some(url.join(value).expect("a URL")),
                _ => {}
            }
        }
        Page { status, location, text: text.to_owned() }
    }

    fn keep(&mut self, cookie: &str) {
        let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
        if value.is_empty() {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
