//! The changes that make the checks of the extractors removable, as exact texts.

/// A text of a file, which occurs once, and its replacement.
pub struct Patch {
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

/// Files that only the copy has.
pub const NEW_FILES: [(&str, &str); 1] =
    [("shared/src/trial.rs", include_str!("../../../templates/trial/trial.rs"))];

const fn patch(file: &'static str, from: &'static str, to: &'static str) -> Patch {
    Patch { file, from, to }
}

const ADMINISTRATOR: &str = "shared/src/auth/administrator.rs";
const CALLER: &str = "shared/src/auth/caller.rs";
const DATABASE: &str = "tests/harness/database.rs";
const FRESH: &str = "shared/src/auth/fresh.rs";
const MEMBER: &str = "shared/src/auth/member.rs";
const PENDING: &str = "shared/src/auth/pending.rs";

/// What `cargo xtask trial isolation` changes in its copy of the sources.
pub const PATCHES: &[Patch] = &[
    patch("shared/src/lib.rs", "pub mod telemetry;", "pub mod telemetry;\npub mod trial;"),
    // The operation is known wherever the request's state is.
    patch(
        PENDING,
        "    verdict: Verdict,\n    /// Begun",
        "    operation: crate::trial::Operation,\n    verdict: Verdict,\n    /// Begun",
    ),
    patch(
        PENDING,
        "        parts.extensions.get().cloned().ok_or_else(|| anyhow::anyhow!(\"the gate layer is missing\").into())\n    }",
        "        let missing = || ApiError::from(anyhow::anyhow!(\"the gate layer is missing\"));
        let pending: Self = parts.extensions.get().cloned().ok_or_else(missing)?;
        pending.locked().operation = crate::trial::Operation::of(parts);
        Ok(pending)
    }

    pub fn operation(&self) -> crate::trial::Operation {
        self.locked().operation.clone()
    }",
    ),
    // Caller: `anonymous` lets a request without a valid credential pass as the first user.
    patch(
        CALLER,
        "        let (claims, cached) = match parts.extensions.get::<Credential>() {",
        "        let operation = crate::trial::Operation::of(parts);
        operation.reached(\"caller\");
        let (claims, cached) = match parts.extensions.get::<Credential>() {",
    ),
    patch(
        CALLER,
        "            Some(Credential::None | Credential::Invalid | Credential::ApiKey(_)) | None => {\n",
        "            Some(Credential::None | Credential::Invalid | Credential::ApiKey(_)) | None => {
                if operation.lacks(\"anonymous\") {
                    let request = RequestInfo::from_request_parts(parts, state).await?;
                    let (state, pending) = (AppState::from_ref(state), Pending::of(parts)?);
                    let first = async |tx: &mut Tx| {
                        let id = sqlx::query_scalar::<_, Uuid>(\"SELECT id FROM users ORDER BY id LIMIT 1\");
                        Ok(id.fetch_optional(tx).await?)
                    };
                    let user = UserId(state.db.transaction(first).await?.unwrap_or_default());
                    let session = SessionId(Uuid::nil());
                    return Ok(Self { user, session, request, fresh: true, cached: None, db: state.db.clone(), pending });
                }
",
    ),
    // Caller: `session` accepts a token whose session has ended, or belongs to another user.
    patch(
        CALLER,
        "session.user_id == claims.sub) else {\n",
        "session.user_id == claims.sub) else {
            if operation.lacks(\"session\") {
                let (user, session, cached) = (claims.sub, claims.sid, cached.profile);
                return Ok(Self { user, session, request, fresh: true, cached, db: state.db.clone(), pending });
            }
",
    ),
    // Option<Caller>: `optional` ignores an invalid credential.
    patch(
        CALLER,
        "            Some(Credential::None) | None => Ok(None),\n",
        "            _ if {
                crate::trial::Operation::of(parts).reached(\"optional\");
                false
            } => Ok(None),
            Some(Credential::Invalid | Credential::ApiKey(_)) if crate::trial::Operation::of(parts).lacks(\"optional\") => {
                Ok(None)
            }
            Some(Credential::None) | None => Ok(None),
",
    ),
    // Administrator: `administrator` lets every user pass, `anonymous` those who do not exist too.
    patch(
        ADMINISTRATOR,
        "/// Checks whether the user is an administrator; `None` if the account is deleted.",
        "fn passes(operation: &crate::trial::Operation, found: Option<bool>) -> Option<bool> {
    match found {
        Some(false) if operation.lacks(\"administrator\") => Some(true),
        None if operation.lacks(\"anonymous\") => Some(true),
        found => found,
    }
}

/// Checks whether the user is an administrator; `None` if the account is deleted.",
    ),
    patch(
        ADMINISTRATOR,
        "        if own.is_none_or(",
        "        let operation = self.caller.pending().operation();
        let is_checked = !operation.lacks(\"administrator\") && !operation.lacks(\"anonymous\");
        if is_checked && own.is_none_or(",
    ),
    patch(
        ADMINISTRATOR,
        "        let check = async |tx: &mut Tx| match is_administrator(tx, caller.user).await? {\n",
        "        let operation = caller.pending().operation();
        let check = async |tx: &mut Tx| match passes(&operation, is_administrator(tx, caller.user).await?) {
",
    ),
    patch(
        ADMINISTRATOR,
        "        let (db, pending) = (caller.db(), caller.pending());\n",
        "        let (db, pending) = (caller.db(), caller.pending());
        let operation = pending.operation();
        operation.reached(\"administrator\");
",
    ),
    patch(
        ADMINISTRATOR,
        "            let administrator = is_administrator(tx, caller.user).await?;\n",
        "            let administrator = passes(&operation, is_administrator(tx, caller.user).await?);\n",
    ),
    // Member<P>: `membership`, `role`, `key` (of another organization) and `scope`.
    patch(
        MEMBER,
        "        let (db, pending) = (AppState::from_ref(state).db.clone(), Pending::of(parts)?);\n",
        "        let (db, pending) = (AppState::from_ref(state).db.clone(), Pending::of(parts)?);
        let operation = pending.operation();
        operation.reached(\"member\");
        if P::ROLE > Role::Member {
            operation.reached(\"role\");
        }
",
    ),
    patch(
        MEMBER,
        "authorize_session::<P>(tx, *principal, id).await?",
        "authorize_session::<P>(tx, *principal, id, &operation).await?",
    ),
    patch(
        MEMBER,
        "    principal: Principal,\n    id: Option<OrganizationId>,\n) ->",
        "    principal: Principal,\n    id: Option<OrganizationId>,\n    operation: &crate::trial::Operation,\n) ->",
    ),
    patch(
        MEMBER,
        "    let Some((organization, role)) = store::members::access(tx, id, user).await? else {\n",
        "    let mut found = store::members::access(tx, id, user).await?;
    if found.is_none() && operation.lacks(\"membership\") {
        found = crate::trial::organization(tx, id).await?.map(|organization| (organization, Role::Owner));
    }
    let Some((organization, role)) = found else {
",
    ),
    patch(MEMBER, "    if role < P::ROLE {\n", "    if role < P::ROLE && !operation.lacks(\"role\") {\n"),
    patch(
        MEMBER,
        "    if id != Some(stored.organization.id) {\n",
        "    let mut stored = stored;
    if let (Some(id), true) = (id, pending.operation().lacks(\"key\"))
        && let Some(organization) = crate::trial::organization(tx, id).await?
    {
        stored.organization = organization;
    }
    if id != Some(stored.organization.id) {
",
    ),
    patch(
        MEMBER,
        "    if !stored.allows::<P>() {\n",
        "    if !stored.allows::<P>() && !pending.operation().lacks(\"scope\") {\n",
    ),
    patch(
        MEMBER,
        "Some(ActiveMember { role, has_verified_address }) if role >= P::ROLE =>",
        "None if self.pending.operation().lacks(\"membership\") => {
                        Ok(Authority { role: Role::Owner, has_verified_address: true })
                    }
                    Some(ActiveMember { role, has_verified_address })
                        if role >= P::ROLE || self.pending.operation().lacks(\"role\") =>",
    ),
    patch(
        MEMBER,
        "Some(key) if key.allows::<P>() =>",
        "Some(key) if key.allows::<P>() || self.pending.operation().lacks(\"scope\") =>",
    ),
    // Fresh<A>: `fresh`.
    patch(
        FRESH,
        "        actor.require_fresh()?;\n",
        "        let operation = crate::trial::Operation::of(parts);
        operation.reached(\"fresh\");
        if !operation.lacks(\"fresh\") {
            actor.require_fresh()?;
        }
",
    ),
    // With a check of one operation taken away, the tests of all operations call only this one.
    patch(
        "tests/api/matrix.rs",
        "    assert!(guarded.len() >= 32, \"the document was read\");\n",
        "    assert!(guarded.len() >= 32, \"the document was read\");
    guarded.retain(|operation| shared::trial::is_called(&operation.method, &operation.path));
",
    ),
    patch(
        "tests/api/credentials.rs",
        "    assert!(all.len() > 50, \"the document was read\");\n",
        "    assert!(all.len() > 50, \"the document was read\");
    all.retain(|operation| shared::trial::is_called(&operation.method, &operation.path));
",
    ),
    // All runs share one migrated database; each test says which database is its own; after a failure no test begins.
    patch(
        DATABASE,
        "            .get_or_init(|| async {\n",
        "            .get_or_init(|| async {
                if let Ok(name) = std::env::var(\"TRIAL_TEMPLATE\") {
                    return name;
                }
",
    ),
    patch(
        DATABASE,
        "let name = format!(\"template_{}\", process::id());",
        "let name = \"template_trial\".to_owned();",
    ),
    patch(
        DATABASE,
        "        let name = format!(\"test_{}\", Uuid::new_v4().simple());\n",
        "        assert!(!FAILED.load(std::sync::atomic::Ordering::SeqCst), \"another test has failed\");
        let name = format!(\"test_{}\", Uuid::new_v4().simple());
        record(&format!(\"{name}\\t{}\\n\", thread::current().name().unwrap_or_default()));
        BEGUN.lock().expect(\"a lock\").push((name.clone(), std::time::Instant::now()));
",
    ),
    patch(
        DATABASE,
        "/// A migrated database that is dropped with this value.",
        "static FAILED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
static BEGUN: std::sync::Mutex<Vec<(String, std::time::Instant)>> = std::sync::Mutex::new(Vec::new());

fn record(line: &str) {
    use std::io::Write;
    if let Ok(path) = std::env::var(\"TRIAL_DATABASES\") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect(\"the record\");
        file.write_all(line.as_bytes()).expect(\"the record is written\");
    }
}

/// A migrated database that is dropped with this value.",
    ),
    patch(
        DATABASE,
        "        let statement = format!(\"DROP DATABASE {} WITH (FORCE)\", self.name);\n",
        "        let stops = thread::panicking() && std::env::var(\"TRIAL_STOPS\").is_ok();
        FAILED.fetch_or(stops, std::sync::atomic::Ordering::SeqCst);
        let begun = BEGUN.lock().expect(\"a lock\").iter().find(|(name, _)| *name == self.name).map(|(_, begun)| *begun);
        record(&format!(\"{}\\t\\t{}\\n\", self.name, begun.map_or(0, |begun| begun.elapsed().as_millis())));
        let statement = format!(\"DROP DATABASE {} WITH (FORCE)\", self.name);
",
    ),
];
