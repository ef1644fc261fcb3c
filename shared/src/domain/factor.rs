//! The proofs of identity with which a session was opened.

text_enum!(
    /// One proof of identity at a sign-in.
    Factor {
        /// The password of the account.
        Password = "password",
        /// A link or a code that was mailed to the account's address.
        Mail = "mail",
        /// An identity provider, such as Google.
        Provider = "provider",
        /// A passkey. With user verification it counts as two factors (NIST SP 800-63B, 3.1.7).
        Passkey = "passkey",
        /// A time-based one-time code (RFC 6238).
        Totp = "totp",
        /// A recovery code, in place of another second factor.
        RecoveryCode = "recovery_code",
    }
);

impl Factor {
    /// Checks whether it is enough where a second factor is needed.
    #[must_use]
    pub const fn counts_as_two(self) -> bool {
        matches!(self, Self::Passkey)
    }
}
