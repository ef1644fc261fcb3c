//! Plans and their limits. The limits are checked in the transactions that use them up.

text_enum!(
    /// The plan of an organization.
    Plan {
        Free = "free",
        Team = "team",
        Enterprise = "enterprise",
    }
);

/// What an organization may have and use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The files of its artifacts, in bytes.
    pub storage_bytes: i64,
    /// The chunks of its artifacts.
    pub chunks: i64,
    /// Tokens of language models in a calendar month (UTC).
    pub tokens_per_month: i64,
}

const MIB: i64 = 1024 * 1024;
const GIB: i64 = 1024 * MIB;

impl Plan {
    #[must_use]
    pub const fn limits(self) -> Limits {
        match self {
            Self::Free => Limits { storage_bytes: GIB, chunks: 20_000, tokens_per_month: 200_000 },
            Self::Team => Limits { storage_bytes: 100 * GIB, chunks: 200_000, tokens_per_month: 10_000_000 },
            Self::Enterprise => {
                Limits { storage_bytes: 1_024 * GIB, chunks: 1_000_000, tokens_per_month: 200_000_000 }
            }
        }
    }

    /// Returns the plan with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plan| plan.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_plan_has_higher_limits() {
        for pair in Plan::ALL.windows(2) {
            let [lower, higher] = [pair[0].limits(), pair[1].limits()];
            assert!(lower.storage_bytes < higher.storage_bytes);
            assert!(lower.chunks < higher.chunks);
            assert!(lower.tokens_per_month < higher.tokens_per_month);
        }
    }
}
