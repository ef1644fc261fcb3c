//! The console, `web/platform`: built by Node, and served by `console.mjs` as its distribution in AWS does.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{IpAddr, Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use serde_yaml_ng::Value;

use crate::{
    Interrupt, Service, Tools,
    wait::{self, Probe},
};

/// The name of the server, and of its log.
pub const NAME: &str = "console";
/// The name of the build that follows changes, and of its log.
pub const WATCH: &str = "console-watch";

/// What `CloudFront` does with requests and responses.
const SITE: &str = include_str!("../../infra/edge/site.yaml");
const SERVER: &str = include_str!("../console.mjs");
const READY_TIMEOUT: Duration = Duration::from_mins(1);
/// The copy of the lock file that is written after everything is installed.
const INSTALLED: &str = "node_modules/.installed.json";

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on.
    pub host: IpAddr,
    pub port: u16,
    /// The folder of the built files.
    pub files: PathBuf,
    /// The address of the API, as browsers see it.
    pub api_url: String,
    /// Where presigned URLs lead.
    pub uploads_url: String,
}

/// Returns the folder of the built files, for the services in `dir`.
#[must_use]
pub fn files(dir: &Path) -> PathBuf {
    dir.join("console")
}

/// Starts the server. It reads each file when it is asked for.
pub fn start(tools: &Tools, dir: &Path, settings: &Settings, interrupt: &Interrupt) -> Result<Service> {
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let script = dir.join("console.mjs");
    fs::write(&script, SERVER).with_context(|| format!("write {}", script.display()))?;
    let site = Site::read(SITE, settings).context("infra/edge/site.yaml")?;
    let argument = json!({
        "host": settings.host,
        "port": settings.port,
        "files": settings.files,
        "pages": site.pages,
        "headers": site.headers,
        "config": { "apiUrl": settings.api_url },
    });
    let mut command = tools.node()?;
    command.arg(&script).arg(argument.to_string());
    let mut service = Service::start(NAME, &mut command, dir)?;
    let host = if settings.host.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { settings.host };
    wait::until("console", READY_TIMEOUT, interrupt, || {
        service.check()?;
        let connected = TcpStream::connect((host, settings.port));
        Ok(connected.map_or_else(|error| Probe::NotYet(error.to_string()), |_| Probe::Ready(())))
    })?;
    Ok(service)
}

/// The sources of a checkout.
#[derive(Debug)]
pub struct Sources<'a> {
    tools: &'a Tools,
    folder: PathBuf,
}

impl<'a> Sources<'a> {
    #[must_use]
    pub fn of(tools: &'a Tools, root: &Path) -> Self {
        Self { tools, folder: root.join("web/platform") }
    }

    /// Returns whether the packages of the lock file are installed.
    #[must_use]
    pub fn are_installed(&self) -> bool {
        let [wanted, installed] =
            ["package-lock.json", INSTALLED].map(|name| fs::read(self.folder.join(name)).ok());
        wanted.is_some() && wanted == installed
    }

    /// Installs the packages, unless they are installed.
    pub fn install(&self, log: &Path, interrupt: &Interrupt) -> Result<()> {
        let lock = self.tools.path().with_file_name("console.lock");
        let lock = File::create(lock).context("create the lock of the console's packages")?;
        lock.lock().context("wait for another command that installs the console's packages")?;
        if self.are_installed() {
            return Ok(());
        }
        self.tools.install_locked(&self.folder, log, interrupt)?;
        fs::copy(self.folder.join("package-lock.json"), self.folder.join(INSTALLED))
            .map(drop)
            .context("record what is installed")
    }

    /// A script of `package.json`.
    pub fn script(&self, name: &str) -> Result<Command> {
        self.tools.npm(&self.folder, &["run", name])
    }

    /// The build, with its files in `folder`, which loses what it has.
    pub fn build_into(&self, folder: &Path) -> Result<Command> {
        let mut build = self.script("build")?;
        build.args(["--", "--emptyOutDir", "--outDir"]).arg(folder);
        Ok(build)
    }

    /// Starts a build that follows changes of the sources. It deletes nothing: an open page may still ask for the files of an earlier build.
    pub fn watch(&self, dir: &Path) -> Result<Service> {
        let mut build = self.script("build")?;
        build.args(["--", "--watch", "--outDir"]).arg(files(dir));
        let _not_there = fs::remove_file(crate::service::log_path(dir, WATCH));
        Service::start(WATCH, &mut build, dir)
    }

    /// Prints the types of an API document.
    pub fn types(&self, document: &Path) -> Result<Command> {
        let mut command = self.tools.node()?;
        command.arg(self.folder.join("node_modules/.bin/openapi-typescript")).arg(document);
        Ok(command)
    }
}

/// What the distribution does, from its template.
#[derive(Debug)]
struct Site {
    /// JavaScript: `handler` is the function for requests.
    pages: String,
    /// Headers of every response.
    headers: BTreeMap<String, String>,
}

impl Site {
    fn read(template: &str, settings: &Settings) -> Result<Self> {
        let resources: Value = serde_yaml_ng::from_str(template).context("parse the fragment")?;
        let pages = text(&resources["SitePages"]["Properties"]["FunctionCode"])?;
        let policy = &resources["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
        let mut headers = BTreeMap::new();
        for (kind, setting) in policy["SecurityHeadersConfig"].as_mapping().into_iter().flatten() {
            let (name, value) = match text(kind)?.as_str() {
                "ContentSecurityPolicy" => {
                    // The text, and the values of its variables in AWS.
                    let value = text(&setting["ContentSecurityPolicy"][0])?
                        .replace("${Api}", &settings.api_url)
                        .replace("${Uploads}", &settings.uploads_url);
                    ("Content-Security-Policy", value)
                }
                "ContentTypeOptions" => ("X-Content-Type-Options", "nosniff".to_owned()),
                "FrameOptions" => ("X-Frame-Options", text(&setting["FrameOption"])?),
                "ReferrerPolicy" => ("Referrer-Policy", text(&setting["ReferrerPolicy"])?),
                "StrictTransportSecurity" => {
                    let seconds = setting["AccessControlMaxAgeSec"].as_u64().context("no max-age")?;
                    ("Strict-Transport-Security", format!("max-age={seconds}; includeSubDomains"))
                }
                other => bail!("local-stack does not know {other}"),
            };
            headers.insert(name.to_owned(), value);
        }
        for header in policy["CustomHeadersConfig"]["Items"].as_sequence().into_iter().flatten() {
            headers.insert(text(&header["Header"])?, text(&header["Value"])?);
        }
        Ok(Self { pages, headers })
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value:?} is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_has_the_headers_and_the_pages_of_the_distribution() -> Result<()> {
        let settings = Settings {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 9005,
            files: PathBuf::new(),
            api_url: "http://localhost:9000".to_owned(),
            uploads_url: "http://127.0.0.1:9004".to_owned(),
        };
        let site = Site::read(SITE, &settings)?;
        assert!(site.pages.contains("function handler(event)"), "{}", site.pages);
        let policy = &site.headers["Content-Security-Policy"];
        let connections = "connect-src 'self' http://localhost:9000 http://127.0.0.1:9004;";
        assert!(policy.contains(connections) && !policy.contains('$'), "{policy}");
        assert_eq!(site.headers["X-Frame-Options"], "DENY");
        assert!(site.headers.contains_key("Permissions-Policy"));

        let unknown = SITE.replace("ContentTypeOptions", "XSSProtection");
        let error = Site::read(&unknown, &settings).expect_err("an unknown header");
        assert!(error.to_string().contains("XSSProtection"), "{error}");
        Ok(())
    }
}
