//! The refusals of this function, besides those of [`shared::auth::member`].

use shared::{ApiError, Refusal, auth::member::Authority};

pub const NO_SUCH_ARTIFACT: Refusal =
    Refusal::not_found("artifact-not-found", "The organization has no such artifact.");
pub const NO_SUCH_LABEL: Refusal =
    Refusal::not_found("label-not-found", "The organization has no such label.");
pub const NO_SUCH_CHUNK: Refusal = Refusal::not_found("chunk-not-found", "The artifact has no such chunk.");
pub const LABEL_EXISTS: Refusal =
    Refusal::conflict("label-exists", "The organization has a label with this name already.");
pub const UNKNOWN_LABEL: Refusal =
    Refusal::invalid("unknown-label", "The organization does not have all of these labels.");
pub const TEXT_OR_FILE_NEEDED: Refusal =
    Refusal::invalid("text-or-file-needed", "An artifact needs either a text or a file.");
pub const FILE_TOO_LARGE: Refusal =
    Refusal::invalid("file-too-large", "A file has at most 104857600 bytes (100 MiB).");
pub const TYPE_NOT_SUPPORTED: Refusal = Refusal::invalid(
    "media-type-not-supported",
    "A file is plain text, Markdown, HTML, CSV, PDF or a Word document (docx).",
);
pub const STORAGE_FULL: Refusal = Refusal::payment_required(
    "plan-limit-reached",
    "The plan of this organization does not allow more storage: limit and used are bytes.",
);
pub const SAME_CONTENT: Refusal = Refusal::conflict(
    "same-content-exists",
    "An artifact of this organization has the same content; see artifactId. With allowDuplicate it can be created again.",
);
pub const NOT_PENDING: Refusal =
    Refusal::conflict("artifact-not-pending", "The file of this artifact is uploaded already.");
pub const NOTHING_TO_RETRY: Refusal = Refusal::conflict(
    "nothing-to-retry",
    "This artifact has not failed, or it would fail again with the same file.",
);
pub const NOT_UPLOADED: Refusal =
    Refusal::conflict("artifact-not-uploaded", "The file of this artifact is not in storage.");
pub const NO_TEXT_YET: Refusal =
    Refusal::conflict("text-not-extracted", "The text of this artifact is not extracted.");
pub const NOT_OWN: Refusal = Refusal::forbidden(
    "not-own-artifact",
    "You can delete only the artifacts that you created. Admins can delete all.",
);
const ADDRESS_NOT_PROVED: Refusal = Refusal::forbidden(
    "address-not-proved",
    "Verify your own address first, with the link that was mailed to it.",
);

/// Refuses a user whose own address is not verified: processing costs money.
pub fn require_proved_address(own: &Authority) -> Result<(), ApiError> {
    if own.has_verified_address { Ok(()) } else { Err(ADDRESS_NOT_PROVED.into()) }
}
