//! `MAIL_*`: mails.

use super::section::section;

section! {
    /// Mail
    pub struct Mail {
        /// The sender of every mail.
        from: String = text("MAIL_FROM", "Arches <no-reply@arches.local>") {
            used_by: "auth, organizations, users",
            allowed: "any text; SES must have verified the address"
        };
        /// The SES configuration set of every mail, which reports bounces and complaints to `mail-events`.
        configuration_set: String = text("MAIL_CONFIGURATION_SET", "") {
            used_by: "auth, organizations, users",
            allowed: "the name of a configuration set; empty for none",
            example: "arches-dev"
        };
    }
}
