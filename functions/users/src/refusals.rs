//! Every way this function says no.

use shared::Refusal;

pub const NO_SUCH_USER: Refusal = Refusal::not_found("user-not-found", "There is no such user.");
pub const DELETED: Refusal = Refusal::conflict("user-deleted", "This user is deleted. Restore them first.");
pub const ERASED: Refusal =
    Refusal::conflict("user-erased", "This user is erased: there is nothing left to change or bring back.");
pub const LEGAL_HOLD: Refusal =
    Refusal::conflict("legal-hold", "Nothing of this user may be erased while the legal hold lasts.");
pub const EMAIL_TAKEN: Refusal =
    Refusal::conflict("email-taken", "Another account has this user's address by now.");
pub const OWN_ACCOUNT: Refusal =
    Refusal::conflict("own-account", "Administrators do not do this to themselves; ask another one.");
