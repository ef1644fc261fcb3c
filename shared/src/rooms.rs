//! The order of the rooms.

#[test]
fn placeholder() {}
