//! Auth0: the export of password hashes, which its support makes (a JSON object on each line), and the export of users.

use serde_json::Value;

use super::{Candidate, Found, full_name, hash, is_true, object, text};
use crate::import::records::Fields;

pub fn read(fields: &Fields) -> Found {
    let identifier = email_identifier(fields);
    let (of_identifier, is_identifier_verified) = identifier
        .map_or((None, false), |identifier| (text(&identifier, "value"), is_true(&identifier, "verified")));
    let email = text(fields, "email");
    let is_own = email.is_some();
    let is_verified = is_true(fields, "email_verified") || is_true(fields, "emailVerified");
    Found::User(Box::new(Candidate {
        id: id(fields),
        email: email.or(of_identifier),
        is_verified: if is_own { is_verified } else { is_identifier_verified },
        names: vec![
            text(fields, "name"),
            full_name(fields, "given_name", "family_name"),
            text(fields, "nickname"),
            text(fields, "username"),
        ],
        image: text(fields, "picture"),
        phone: text(fields, "phone_number"),
        hash: hash(text(fields, "passwordHash").or_else(|| text(fields, "password_hash"))),
        is_blocked: is_true(fields, "blocked"),
    }))
}

/// Returns `user_id`. The export of hashes has its parts.
fn id(fields: &Fields) -> Option<String> {
    text(fields, "user_id").or_else(|| {
        let own = text(fields, "alt_id").or_else(|| text(&object(fields, "_id")?, "$oid"))?;
        Some(format!("auth0|{own}"))
    })
}

/// Returns the address among the identifiers, which a user may have in place of `email`.
fn email_identifier(fields: &Fields) -> Option<Fields> {
    let identifiers = fields.get("identifiers")?.as_array()?;
    let mut objects = identifiers.iter().filter_map(Value::as_object);
    objects.find(|identifier| text(identifier, "type").as_deref() == Some("email")).cloned()
}
