//! The refusals of this function, besides those of [`shared::auth::member`].

use shared::TooMany;

pub const TOO_MANY_SEARCHES: TooMany =
    TooMany::new("too-many-attempts", "Too many searches. Wait for the time in Retry-After.");
pub const BUDGET_USED_UP: TooMany = TooMany::new(
    "budget-used-up",
    "The organization has used its tokens of this month, or calls in progress need those that are left. A search by words needs none: mode \
     `keyword`.",
);
