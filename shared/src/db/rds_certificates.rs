//! The certificate authorities of Amazon RDS, to verify the cluster. They are not in the public list of authorities.

use std::{env, fs::File, io::Write, os::unix::fs::OpenOptionsExt, sync::OnceLock};

use anyhow::Context;
use uuid::Uuid;

/// Only the functions that call [`file`] have the certificates in their binary.
const PEM: &str = include_str!("rds-certificates.pem");

/// Writes the certificates to a file once per process, and returns its path. `pg_dump` and `pg_restore` only read them from a file.
pub(crate) fn file() -> anyhow::Result<&'static str> {
    static WRITTEN: OnceLock<String> = OnceLock::new();
    if let Some(path) = WRITTEN.get() {
        return Ok(path);
    }
    // A new file with an unpredictable name, so that another process cannot put its own certificates there.
    let path = env::temp_dir().join(format!("rds-authorities-{}.pem", Uuid::new_v4()));
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(PEM.as_bytes()))
        .with_context(|| format!("{} not written", path.display()))?;
    let path =
        path.into_os_string().into_string().ok().context("the path of the temporary folder is not UTF-8")?;
    Ok(WRITTEN.get_or_init(|| path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    };

    use super::*;

    #[test]
    fn every_region_has_three_authorities_that_tls_can_trust() {
        let written = fs::read(file().expect("a file")).expect("what was written");
        let mut trusted = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&written) {
            trusted.add(certificate.expect("a certificate")).expect("an authority");
        }
        let named = PEM.lines().filter(|line| line.starts_with("# Amazon RDS ")).count();
        assert_eq!((trusted.len(), named), (81, 81));
        for key in ["RSA2048", "RSA4096", "ECC384"] {
            assert_eq!(PEM.matches(&format!("Root CA {key} G1\n")).count(), 27, "{key}");
        }
    }
}
