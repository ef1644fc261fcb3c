//! The refusals of this function.

use shared::Refusal;

pub const NO_SUCH_USER: Refusal = Refusal::not_found("user-not-found", "There is no such user.");
pub const DELETED: Refusal = Refusal::conflict("user-deleted", "This user is deleted. Restore them first.");
pub const ERASED: Refusal =
    Refusal::conflict("user-erased", "This user is erased and cannot be changed or restored.");
pub const LEGAL_HOLD: Refusal =
    Refusal::conflict("legal-hold", "This user is under a legal hold and cannot be erased.");
pub const EMAIL_TAKEN: Refusal = Refusal::conflict("email-taken", "Another account has this address.");
pub const OWN_ACCOUNT: Refusal = Refusal::conflict(
    "own-account",
    "Administrators cannot do this to their own account. Ask another administrator.",
);
