//! One type per kind of id, so that the compiler refuses a session's id where a user's id is needed.

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
            /// Creates a new id: a `UUIDv7` (RFC 9562), so that ids sort by their time of creation.
            #[expect(clippy::new_without_default, reason = "a default value that differs each time is surprising")]
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
    /// The id of a user.
    UserId
);
id!(
    /// The id of a session: one sign-in on one device.
    SessionId
);
id!(
    /// The id of an organization.
    OrganizationId
);
id!(
    /// The id of a mailed token.
    VerificationTokenId
);
id!(
    /// The id of an identity: a user at an identity provider.
    IdentityId
);
id!(
    /// The id of a sign-in with an identity provider that has begun.
    OauthFlowId
);
id!(
    /// The id of a passkey.
    PasskeyId
);
id!(
    /// The id of a ceremony with a passkey that has begun.
    PasskeyCeremonyId
);
id!(
    /// The id of a sign-in that waits for the second factor.
    SignInChallengeId
);
id!(
    /// The id of an event in the audit log.
    AuditEventId
);
id!(
    /// The id of an invitation to an organization.
    InvitationId
);
id!(
    /// The id of an API key.
    ApiKeyId
);
id!(
    /// The id of an artifact: a document of an organization.
    ArtifactId
);
id!(
    /// The id of a label of artifacts.
    LabelId
);
id!(
    /// The id of a chunk: a piece of the text of an artifact.
    ChunkId
);
id!(
    /// The id of a reservation of tokens.
    ReservationId
);
id!(
    /// The id of a conversation with a language model.
    ConversationId
);
id!(
    /// The id of a message of a conversation.
    MessageId
);
id!(
    /// The id of a source of a message.
    MessageSourceId
);
