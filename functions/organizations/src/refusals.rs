//! The refusals of this function, besides those of [`shared::auth::member`].

use axum::http::StatusCode;
use shared::Refusal;

pub const SLUG_TAKEN: Refusal = Refusal::conflict(
    "slug-taken",
    "Another organization has this slug. A deleted organization keeps its slug until it is purged, 30 days after the deletion.",
);
pub const NOT_DELETED: Refusal =
    Refusal::conflict("organization-not-deleted", "This organization is not deleted.");
pub const TOO_MANY_ORGANIZATIONS: Refusal = Refusal::conflict(
    "too-many-organizations",
    "You own 20 organizations already. Deleted ones count until they are purged.",
);
pub const ADDRESS_NOT_PROVED: Refusal = Refusal::forbidden(
    "address-not-proved",
    "Verify your own address first, with the link that was mailed to it.",
);
pub const PERSONAL: Refusal = Refusal::conflict(
    "personal-organization",
    "This is a personal organization: it has no other members, and is deleted together with the account.",
);
pub const NO_SUCH_MEMBER: Refusal =
    Refusal::not_found("member-not-found", "The organization has no such member.");
pub const ROLE_ABOVE_OWN: Refusal =
    Refusal::forbidden("role-above-own", "You cannot give, change or take a role above your own.");
pub const NO_SUCH_INVITATION: Refusal =
    Refusal::not_found("invitation-not-found", "The organization has no such invitation.");
pub const ALREADY_ANSWERED: Refusal =
    Refusal::conflict("invitation-ended", "This invitation was answered or revoked, or has expired.");
pub const ALREADY_INVITED: Refusal =
    Refusal::conflict("already-invited", "There is an open invitation to this address already.");
pub const NO_SUCH_API_KEY: Refusal =
    Refusal::not_found("api-key-not-found", "The organization has no such API key.");
pub const API_KEY_EXPIRED: Refusal =
    Refusal::conflict("api-key-expired", "This API key has expired. Create a new one.");
pub const SCOPES_NEEDED: Refusal = Refusal::invalid("scopes-needed", "An API key needs at least one scope.");
pub const EXPIRY_PASSED: Refusal = Refusal::invalid("expiry-passed", "A key cannot expire in the past.");
pub const TOO_MANY_INVITATIONS: Refusal = Refusal {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "too-many-attempts",
    message: "Too many invitations. Wait for the time in Retry-After.",
};
