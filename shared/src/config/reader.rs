//! Reads variables, and collects all problems with them.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use axum::http::HeaderValue;
use secrecy::ExposeSecret;
use url::Url;

use super::{
    Address, ConfigError, Setting,
    address::{Credentials, is_bare},
    application::Environment,
    prices::Prices,
    providers::Providers,
};

pub const IP_ADDRESS: &str = "an IP address";
pub const PORT: &str = "a port";
pub const FLAG: [&str; 2] = ["true", "false"];
pub const DURATION: &str = "a whole number with a unit, such as 30s, 15m, 12h or 7d";
pub const URL: &str = "an absolute http or https URL";
pub const ORIGINS: &str = "origins such as https://app.example.com, separated by commas";
pub const NAMES: &str = "names of 1 to 200 characters, separated by commas";
/// Up to a day.
pub const MILLIS: RangeInclusive<u32> = 1..=86_400_000;

/// The longest lifetime of a token or a session, in seconds: ten years.
const MAX_DURATION: u64 = 10 * 366 * 86_400;

/// Reads variables from `lookup`. `kinds` has a function of the same name for each method that a section names.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    required: &'a [&'a str],
    /// Whether the process runs in AWS; known once `NODE_ENV` was read.
    deployed: bool,
    problems: Vec<String>,
}

pub fn whole_number(allowed: &RangeInclusive<u32>) -> String {
    format!("a whole number from {} to {}", allowed.start(), allowed.end())
}

impl<'a> Reader<'a> {
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>, required: &'a [&'a str]) -> Self {
        Self { lookup, required, deployed: false, problems: Vec::new() }
    }

    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError(self.problems)) }
    }

    /// Returns the value of `key`. An empty value counts as not set.
    fn raw(&mut self, key: &str) -> Option<String> {
        let raw = (self.lookup)(key).filter(|raw| !raw.trim().is_empty());
        if raw.is_none() && self.required.contains(&key) {
            self.problems.push(format!("{key} is not set"));
        }
        raw
    }

    fn refuse(&mut self, key: &str, raw: &str, allowed: &str) {
        self.problems.push(format!("{key} is {raw:?}; allowed: {allowed}"));
    }

    /// Reads `NODE_ENV`. It also decides whether secrets may be values.
    pub fn environment(&mut self, key: &str) -> Environment {
        let environment = self.choice(key, Environment::Development, &Environment::ALL, Environment::name);
        self.deployed = environment.is_deployed();
        environment
    }

    pub fn deployed(&mut self) -> bool {
        self.deployed
    }

    pub fn text(&mut self, key: &str, default: &str) -> String {
        self.raw(key).unwrap_or_else(|| default.to_owned())
    }

    pub fn one_of(
        &mut self,
        key: &str,
        default: &'static str,
        allowed: &'static [&'static str],
    ) -> &'static str {
        self.choice(key, default, allowed, |word| word)
    }

    fn choice<T: Copy>(&mut self, key: &str, default: T, allowed: &[T], name: fn(T) -> &'static str) -> T {
        let Some(raw) = self.raw(key) else { return default };
        if let Some(value) = allowed.iter().find(|value| name(**value) == raw) {
            return *value;
        }
        let names: Vec<&str> = allowed.iter().map(|value| name(*value)).collect();
        self.refuse(key, &raw, &names.join(", "));
        default
    }

    fn parsed<T: FromStr>(&mut self, key: &str, default: T, allowed: &str) -> T {
        let Some(raw) = self.raw(key) else { return default };
        raw.parse().unwrap_or_else(|_| {
            self.refuse(key, &raw, allowed);
            default
        })
    }

    pub fn ip_address(&mut self, key: &str, default: [u8; 4]) -> IpAddr {
        self.parsed(key, Ipv4Addr::from(default).into(), IP_ADDRESS)
    }

    pub fn port(&mut self, key: &str, default: u16) -> u16 {
        self.parsed(key, default, PORT)
    }

    pub fn number(&mut self, key: &str, default: u32, allowed: RangeInclusive<u32>) -> u32 {
        let Some(raw) = self.raw(key) else { return default };
        match raw.parse() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                self.refuse(key, &raw, &whole_number(&allowed));
                default
            }
        }
    }

    pub fn millis(&mut self, key: &str, default: u32) -> Duration {
        Duration::from_millis(self.number(key, default, MILLIS).into())
    }

    pub fn flag(&mut self, key: &str, default: bool) -> bool {
        self.parsed(key, default, &FLAG.join(", "))
    }

    /// Reads a whole number with a unit: `30s`, `15m`, `12h`, `7d`.
    pub fn duration(&mut self, key: &str, default: &str) -> Duration {
        let raw = self.text(key, default);
        parse_duration(&raw).unwrap_or_else(|| {
            self.refuse(key, &raw, DURATION);
            Duration::ZERO
        })
    }

    pub fn url(&mut self, key: &str) -> Option<Url> {
        let raw = self.raw(key)?;
        match Url::parse(&raw) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Some(url),
            _ => {
                self.refuse(key, &raw, URL);
                None
            }
        }
    }

    pub fn url_or(&mut self, key: &str, default: &str) -> Url {
        #[expect(clippy::expect_used, reason = "a constant; the tests parse it")]
        self.url(key).unwrap_or_else(|| Url::parse(default).expect("a URL"))
    }

    /// Reads origins (RFC 6454) separated by commas. `*` is refused: browsers do not allow it together with credentials.
    pub fn origins(&mut self, key: &str) -> Vec<HeaderValue> {
        let raw = self.raw(key).unwrap_or_default();
        let mut origins = Vec::new();
        for origin in raw.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            let exact = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin);
            match HeaderValue::from_str(origin) {
                Ok(value) if exact => origins.push(value),
                _ => self.refuse(key, origin, ORIGINS),
            }
        }
        origins
    }

    /// Reads names separated by commas; at least one.
    pub fn names(&mut self, key: &str, default: &str) -> Vec<String> {
        let raw = self.text(key, default);
        let names: Vec<_> = raw.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(|name| name.is_empty() || name.chars().count() > 200) {
            self.refuse(key, &raw, NAMES);
        }
        names
    }

    /// Reads the prices of models.
    pub fn prices(&mut self, key: &str) -> Prices {
        self.parsed(key, Prices::default(), Prices::FORM)
    }

    /// Reads identity providers.
    pub fn providers(&mut self, key: &str) -> Providers {
        self.parsed(key, Providers::default(), Providers::FORM)
    }

    pub fn setting(&mut self, key: &'static str) -> Setting {
        let Some(raw) = self.raw(key) else { return Setting::Absent(key) };
        let setting = Setting::read(&raw);
        let plain = matches!(setting, Setting::Plain(_));
        if plain && (self.deployed || raw.starts_with("arn:")) {
            self.problems.push(format!(
                "{key} holds a value, or an ARN that cannot be read; allowed here: the ARN of a secret, as arn:aws:secretsmanager:…:secret:<name>[:<json-key>::]"
            ));
        }
        setting
    }

    /// Reads a URL that is a secret; with `credentials`, a URL without a password, which may be a value everywhere.
    pub fn address(&mut self, url: &'static str, credentials: &'static str) -> Address {
        let beside = match self.credentials(credentials) {
            Setting::Absent(_) => return self.setting(url).into(),
            beside => beside,
        };
        let given = self.raw(url).map_or(Setting::Absent(url), |raw| Setting::read(&raw));
        match &given {
            Setting::Secret(_) => self.problems.push(format!(
                "{url} is a reference, and {credentials} is set: one of the two would be ignored"
            )),
            Setting::Plain(text) if !is_bare(text.expose_secret()) => self.problems.push(format!(
                "{url} is not a URL with a host and without user name and password; nothing else is allowed, because {credentials} is set"
            )),
            _ => {}
        }
        Address::new(given, Some(beside))
    }

    /// Reads the user name and the password, as one JSON object.
    pub fn credentials(&mut self, key: &'static str) -> Setting {
        let setting = self.setting(key);
        match &setting {
            Setting::Secret(reference) if reference.member().is_some() => self
                .problems
                .push(format!("{key} names a member of a secret; allowed: the ARN of the whole secret")),
            Setting::Plain(text) => {
                if let Err(problem) = Credentials::parse(text.expose_secret()) {
                    self.problems.push(format!("{key} {problem}"));
                }
            }
            _ => {}
        }
        setting
    }
}

fn parse_duration(raw: &str) -> Option<Duration> {
    let (number, unit) = raw.split_at_checked(raw.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    let total = u64::from(number) * seconds;
    (1..=MAX_DURATION).contains(&total).then(|| Duration::from_secs(total))
}
