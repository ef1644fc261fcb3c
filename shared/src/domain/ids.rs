//! One type per kind of id, so that a session's id cannot be passed where a user's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id: a `UUIDv7` (RFC 9562), so ids sort by the time they were made.
            #[expect(clippy::new_without_default, reason = "a default id would be a different one each time")]
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A person with an account.
    UserId
);
id!(
    /// One sign-in on one device.
    SessionId
);
id!(
    /// A tenant.
    OrganizationId
);
id!(
    /// A mailed proof of an address.
    VerificationTokenId
);
id!(
    /// One line of the audit log.
    AuditEventId
);
id!(
    /// A mailed question whether someone wants to join.
    InvitationId
);
id!(
    /// A program's credential.
    ApiKeyId
);
