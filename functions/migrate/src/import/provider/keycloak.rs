//! Keycloak: the export of a realm with its users, in one file or several.

use data_encoding::BASE64_NOPAD;
use serde_json::Value;
use shared::crypto::imported_password::{ImportedHash, Unusable};

use super::{Candidate, Found, full_name, is_true, object, text};
use crate::import::{records::Fields, report::Skip};

pub fn read(fields: &Fields) -> Found {
    if text(fields, "serviceAccountClientId").is_some() {
        return Found::Skipped(Skip::NotActive);
    }
    let username = text(fields, "username");
    Found::User(Box::new(Candidate {
        // A realm that a person wrote may have no ids.
        id: text(fields, "id").or_else(|| username.as_ref().map(|name| format!("username {name}"))),
        email: text(fields, "email"),
        is_verified: is_true(fields, "emailVerified"),
        names: vec![full_name(fields, "firstName", "lastName"), username],
        image: attribute(fields, "picture"),
        phone: attribute(fields, "phoneNumber"),
        hash: password(fields).map(|credential| hash(&credential)).transpose(),
        is_blocked: fields.get("enabled") == Some(&Value::Bool(false)),
    }))
}

/// Returns the first value of an attribute.
fn attribute(fields: &Fields, name: &str) -> Option<String> {
    fields.get("attributes")?.get(name)?.get(0)?.as_str().map(str::to_owned)
}

/// Returns the credential that is the password, unless the user must replace it: others may know it.
fn password(fields: &Fields) -> Option<Fields> {
    let actions = fields.get("requiredActions").and_then(Value::as_array);
    if actions.is_some_and(|actions| actions.iter().any(|action| action == "UPDATE_PASSWORD")) {
        return None;
    }
    let credentials = fields.get("credentials")?.as_array()?;
    let mut objects = credentials.iter().filter_map(Value::as_object);
    objects.find(|credential| text(credential, "type").as_deref() == Some("password")).cloned()
}

fn hash(credential: &Fields) -> Result<ImportedHash, Unusable> {
    let secret = object(credential, "secretData").ok_or(Unusable::Damaged)?;
    let data = object(credential, "credentialData").ok_or(Unusable::Damaged)?;
    let member = |fields: &Fields, name| text(fields, name).ok_or(Unusable::Damaged);
    let (salt, hash) = (unpadded(&member(&secret, "salt")?)?, unpadded(&member(&secret, "value")?)?);
    let iterations = member(&data, "hashIterations")?;
    let digest = match member(&data, "algorithm")?.as_str() {
        "pbkdf2" => "sha1",
        "pbkdf2-sha256" => "sha256",
        "pbkdf2-sha512" => "sha512",
        "argon2" => {
            let parameters = object(&data, "additionalParameters").ok_or(Unusable::Damaged)?;
            return argon2(&parameters, &iterations, &salt, &hash);
        }
        _ => return Err(Unusable::Unknown),
    };
    ImportedHash::parse(&format!("$pbkdf2-{digest}$i={iterations}${salt}${hash}"))
}

fn argon2(parameters: &Fields, passes: &str, salt: &str, hash: &str) -> Result<ImportedHash, Unusable> {
    let member = |name: &str| parameters.get(name).and_then(|values| values.get(0)?.as_str());
    let version = match member("version") {
        Some("1.3") | None => 19,
        Some("1.0") => 16,
        Some(_) => return Err(Unusable::Unknown),
    };
    let (kind, memory) = (member("type").unwrap_or("id"), member("memory").ok_or(Unusable::Damaged)?);
    let lanes = member("parallelism").unwrap_or("1");
    ImportedHash::parse(&format!("$argon2{kind}$v={version}$m={memory},t={passes},p={lanes}${salt}${hash}"))
}

/// Returns base64 without its padding, as the PHC string format has it.
fn unpadded(text: &str) -> Result<String, Unusable> {
    let bytes = BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    bytes.map(|bytes| BASE64_NOPAD.encode(&bytes)).map_err(|_| Unusable::Damaged)
}
