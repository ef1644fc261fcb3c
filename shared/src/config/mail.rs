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
    }
}
