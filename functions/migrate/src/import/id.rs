//! The ids of imported users.

use ring::digest::{SHA256, digest};
use shared::domain::ids::UserId;
use uuid::Builder;

/// Returns the id of the user whom `system` calls `id`: always the same, so that a second import finds the user, even after an erasure. A
/// `UUIDv8` (RFC 9562), which no user who registered has. It begins with zeros, so imported users come before all others.
pub fn user_id(system: &str, id: &str) -> UserId {
    let hash = digest(&SHA256, format!("user of {system}\0{id}").as_bytes());
    let mut bytes = [0; 16];
    bytes[6..].copy_from_slice(&hash.as_ref()[..10]);
    UserId(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_depends_on_the_system_and_its_id_only() {
        let id = user_id("auth0", "auth0|5dea9f9c82dd7c0e76e4ec93");
        assert_eq!(id, user_id("auth0", "auth0|5dea9f9c82dd7c0e76e4ec93"));
        assert_ne!(id, user_id("auth0", "auth0|5dea9f9c82dd7c0e76e4ec94"));
        assert_ne!(id, user_id("clerk", "auth0|5dea9f9c82dd7c0e76e4ec93"));
        assert_eq!(id.0.get_version_num(), 8);
        assert!(id.0 < UserId::new().0 && id.to_string().starts_with("00000000-0000-8"), "{id}");
    }
}
