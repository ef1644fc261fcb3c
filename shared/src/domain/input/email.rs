//! Addresses of mailboxes.

use email_address::{EmailAddress, Options};
use serde::Deserialize;
use url::Host;
use utoipa::ToSchema;

/// An e-mail address (RFC 5321, 4.1.2): at most 254 characters, in a domain with a dot.
///
/// The part before the `@` is ASCII: SES delivers to no other. The domain is kept in its ASCII form (RFC 5891), in lower case, so that an
/// address has one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "email", min_length = 3, max_length = 254, example = "ada@example.com")]
pub struct Email(String);

impl AsRef<str> for Email {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

const NO_ADDRESS: &str = "this must be an e-mail address such as ada@example.com";

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        // Quoted local parts are legal but not used in practice, and hide spaces and control characters.
        if raw.contains(['"', '\\']) || raw.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(NO_ADDRESS);
        }
        let (local_part, domain) = raw.rsplit_once('@').ok_or(NO_ADDRESS)?;
        if !local_part.is_ascii() {
            return Err("the part before the @ may have ASCII characters only");
        }
        let ascii = Some(domain).filter(|domain| !domain.contains('%')).map(Host::parse);
        let Some(Ok(Host::Domain(domain))) = ascii else { return Err(NO_ADDRESS) };
        let address = format!("{local_part}@{domain}");
        let plain = Options::default().with_required_tld().without_display_text().without_domain_literal();
        if address.len() <= 254 && EmailAddress::parse_with_options(&address, plain).is_ok() {
            Ok(Self(address))
        } else {
            Err(NO_ADDRESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deliverable_addresses_are_addresses() {
        for email in ["a@b.co", "ada+tag@example.com", "o'brien@example.com", "ada@xn--mnchen-3ya.example"] {
            assert_eq!(Email::try_from(email.to_owned()).expect(email).as_ref(), email);
        }
        for email in [
            "",
            "ada",
            "ada@",
            "@b.co",
            "ada@localhost",
            "vİctim@example.com",
            "adä@example.com",
            "a b@c.de",
            "a@b.co\r\nBcc: x@y.zz",
            "Ada <a@b.co>",
            "a@[::1]",
            "a@127.0.0.1",
            "a@b.co%00",
            "a@xn--a.example",
            "\"a b\"@c.de",
            &format!("a@{}.example", "ü".repeat(60)),
        ] {
            assert!(Email::try_from(email.to_owned()).is_err(), "{email:?}");
        }
    }

    #[test]
    fn spellings_of_a_domain_are_one_address() {
        let spelled = [
            "Ada@münchen.example",
            "Ada@MÜNCHEN.example",
            "Ada@xn--mnchen-3ya.example",
            "Ada@mu\u{308}nchen。example",
        ];
        for email in spelled {
            assert_eq!(
                Email::try_from(email.to_owned()).expect(email).as_ref(),
                "Ada@xn--mnchen-3ya.example"
            );
        }
    }
}
