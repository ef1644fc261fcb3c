//! The lock order of `docs/architecture.md`, checked for every statement of every transaction in debug builds, so by every test.
//!
//! The check reads the text of the statement. It sees tables, not rows: a table that is locked already counts as locked for the
//! rows of the next statement.

/// The tables that are locked before what belongs to their rows, in this order.
const OWNERS: [&str; 2] = ["users", "organizations"];
/// The tables whose rows belong to a row of an owner.
const OWNED: [&str; 12] = [
    "sessions",
    "verification_tokens",
    "identities",
    "passkeys",
    "recovery_codes",
    "sign_in_challenges",
    "members",
    "invitations",
    "api_keys",
    "artifacts",
    "labels",
    "conversations",
];
/// Tables of which the later ones are never locked before the earlier ones.
const ORDERED: [&str; 7] = [
    "artifacts",
    "chunks",
    "organization_totals",
    "conversations",
    "messages",
    "token_reservations",
    "token_budgets",
];
/// The texts of statements that find one row: by a unique column, or the first row.
const ONE_ROW: [&str; 7] = [
    " id = $",
    ".id = $",
    " token_hash = $",
    " subject = $",
    " credential_id = $",
    "lower(email) = lower($",
    " LIMIT 1 ",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Share,
    Update,
}

/// The tables in which a transaction has locked rows, in the order of the first lock.
#[derive(Debug, Default)]
pub(super) struct LockOrder(Vec<(String, Strength)>);

impl LockOrder {
    /// Checks that `sql` locks in the order, and records what it locks.
    pub fn check(&mut self, sql: &str) -> Result<(), String> {
        let words: Vec<_> = sql.split_whitespace().collect();
        let line = format!(" {} ", words.join(" "));
        // A statement that skips locked rows waits for nobody, so it cannot be part of a deadlock.
        let waits = !line.contains(" SKIP LOCKED");
        let is_ordered = line.contains(" ORDER BY ") || ONE_ROW.iter().any(|text| line.contains(text));
        for (table, strength) in locks(&words) {
            if waits {
                self.check_table(table, strength, is_ordered)?;
            }
            match self.0.iter_mut().find(|(locked, _)| locked == table) {
                Some((_, held)) => *held = strength.max(*held),
                None => self.0.push((table.to_owned(), strength)),
            }
        }
        Ok(())
    }

    fn check_table(&self, table: &str, strength: Strength, is_ordered: bool) -> Result<(), String> {
        match self.strength(table) {
            Some(held) if held < strength && OWNERS.contains(&table) => {
                return Err(format!(
                    "{table} is locked FOR SHARE and then for a change: two transactions that do so deadlock"
                ));
            }
            Some(_) => return Ok(()),
            None => {}
        }
        if let Some((later, _)) = self.0.iter().find(|(locked, _)| rank(locked) > rank(table)) {
            return Err(format!("{table} is locked after {later}"));
        }
        let place = |table: &str| ORDERED.iter().position(|ordered| *ordered == table);
        let is_later = |locked: &str| place(table).is_some() && place(locked) > place(table);
        if let Some((later, _)) = self.0.iter().find(|(locked, _)| is_later(locked)) {
            return Err(format!("{table} is locked after {later}"));
        }
        if OWNERS.contains(&table) && !is_ordered {
            return Err(format!("several rows of {table} are locked in any order; ORDER BY id is missing"));
        }
        let has_owner = OWNERS.iter().any(|owner| self.strength(owner).is_some());
        if OWNED.contains(&table) && !is_ordered && !has_owner {
            return Err(format!("several rows of {table} are locked, but not their user or organization"));
        }
        Ok(())
    }

    fn strength(&self, table: &str) -> Option<Strength> {
        self.0.iter().find(|(locked, _)| locked == table).map(|(_, strength)| *strength)
    }
}

fn rank(table: &str) -> usize {
    OWNERS.iter().position(|owner| *owner == table).unwrap_or(OWNERS.len())
}

/// Returns the tables whose existing rows the statement locks.
fn locks<'a>(words: &[&'a str]) -> Vec<(&'a str, Strength)> {
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    let mut found = Vec::new();
    for n in 0..words.len() {
        let before = n.checked_sub(1).map_or("", word);
        match word(n).trim_start_matches('(') {
            "UPDATE" if !["FOR", "KEY", "DO"].contains(&before) => {
                found.push((word(n + 1), Strength::Update));
            }
            "DELETE" if word(n + 1) == "FROM" => found.push((word(n + 2), Strength::Update)),
            "FOR" if ["UPDATE", "NO"].contains(&word(n + 1).trim_end_matches(')')) => {
                found.push((locked_table(&words[..n], &words[n..]), Strength::Update));
            }
            "FOR" if word(n + 1).trim_end_matches(')') == "SHARE" => {
                found.push((locked_table(&words[..n], &words[n..]), Strength::Share));
            }
            _ => {}
        }
    }
    found
}

/// Returns the table that `FOR UPDATE` locks: the one with the name or alias after `OF`, otherwise the one after the last `FROM`.
fn locked_table<'a>(before: &[&'a str], clause: &[&'a str]) -> &'a str {
    let alias = clause.iter().position(|word| *word == "OF").and_then(|of| clause.get(of + 1));
    let named = alias.and_then(|alias| before.windows(2).find(|pair| pair[1] == alias.trim_end_matches(')')));
    // Without an alias, the word before the name is not a table.
    let table = |pair: &[&'a str]| if pair[0] == "FROM" { pair[1] } else { pair[0] };
    let after_from = || before.windows(2).rev().find(|pair| pair[0] == "FROM").map(|pair| pair[1]);
    named.map(table).or_else(after_from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";
    const OF_TOKEN: &str = "SELECT id FROM users WHERE id = (SELECT user_id FROM verification_tokens WHERE token_hash = $1) \
                            FOR NO KEY UPDATE OF users";
    const SHARED: &str = "SELECT id FROM users WHERE id = $1 FOR SHARE";
    const ORGANIZATION: &str = "SELECT 1 FROM organizations WHERE id = $1 FOR NO KEY UPDATE";
    const TOKENS: &str = "UPDATE verification_tokens SET consumed_at = $1 WHERE user_id = $2";
    const TOKEN: &str = "UPDATE verification_tokens SET consumed_at = $1 WHERE id = $2";

    const ARTIFACT: &str = "SELECT 1 FROM artifacts WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE";
    const CONVERSATION: &str =
        "SELECT id FROM conversations WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE";
    const MESSAGE: &str = "UPDATE messages m SET status = $3 WHERE m.id = $2";
    const TOTALS: &str = "UPDATE organization_totals SET chunks = 0 WHERE organization_id = $1";

    fn check(transaction: &[&str]) -> Result<(), String> {
        let mut order = LockOrder::default();
        transaction.iter().try_for_each(|sql| order.check(sql))
    }

    #[test]
    fn owners_are_locked_before_what_belongs_to_them() {
        for allowed in [
            &[USER, TOKENS] as &[_],
            &[USER, ORGANIZATION, TOKENS, "UPDATE users SET name = $1 WHERE id = $2"],
            &["UPDATE users SET name = $1 WHERE id = $2", TOKENS],
            &[TOKEN],
            &[SHARED, "INSERT INTO sessions (id) VALUES ($1)"],
            &[
                "INSERT INTO idempotency_records (key_hash) VALUES ($1) ON CONFLICT (key_hash) DO UPDATE SET sealed = $2",
            ],
            &[
                "SELECT 1 FROM members m JOIN organizations o ON o.id = m.organization_id ORDER BY o.id FOR NO KEY UPDATE OF o",
                "UPDATE organizations SET name = $1 WHERE personal_to = $2",
            ],
            &[ORGANIZATION, "SELECT id FROM users WHERE deleted_at < $1 FOR UPDATE SKIP LOCKED"],
            &[ARTIFACT, "DELETE FROM chunks WHERE artifact_id = $1", TOTALS, ARTIFACT],
            &[CONVERSATION, MESSAGE, "UPDATE token_budgets SET reserved = 0 WHERE organization_id = $1"],
            &["DELETE FROM sessions WHERE id = ANY (ARRAY(SELECT id FROM sessions FOR UPDATE SKIP LOCKED))"],
        ] {
            assert_eq!(check(allowed), Ok(()), "{allowed:?}");
        }
    }

    #[test]
    fn other_orders_are_refused() {
        for (refused, reason) in [
            (
                &[TOKEN, "UPDATE users SET name = $1 WHERE id = $2"] as &[_],
                "users is locked after verification_tokens",
            ),
            (&[ORGANIZATION, USER], "users is locked after organizations"),
            (&[ORGANIZATION, OF_TOKEN], "users is locked after organizations"),
            (&[SHARED, USER], "locked FOR SHARE and then for a change"),
            (&[TOKENS], "not their user or organization"),
            (&["UPDATE organizations SET logo = NULL WHERE billing_email = $1"], "ORDER BY id is missing"),
            (
                &[
                    "SELECT 1 FROM members m JOIN organizations o ON o.id = m.organization_id FOR NO KEY UPDATE OF o",
                ],
                "several rows of organizations",
            ),
            (&["DELETE FROM sessions WHERE user_id = $1"], "several rows of sessions"),
            (&[TOTALS, ARTIFACT], "artifacts is locked after organization_totals"),
            (&[MESSAGE, CONVERSATION], "conversations is locked after messages"),
            (&["DELETE FROM conversations WHERE created_by = $1"], "several rows of conversations"),
        ] {
            let error = check(refused).expect_err("refused");
            assert!(error.contains(reason), "{refused:?}: {error}");
        }
    }
}
