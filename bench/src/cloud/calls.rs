//! The calls that are measured, and how they are made to our functions.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    instance::Instance,
    world::{PASSWORD, User, World, event, get, post},
};

/// A call of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// An endpoint without dependencies. It is taken off the other calls.
    Health,
    Session,
    /// As the user whose profile has just been changed.
    UncachedSession,
    Sessions,
    Profile,
    SignIn,
    SignUp,
    Row,
    Members,
    Refresh,
    Create,
    CreateWithKey,
}

impl Call {
    pub const ALL: [Self; 12] = [
        Self::Health,
        Self::Session,
        Self::Profile,
        // After a change: the cache does not hold the profile for a minute.
        Self::UncachedSession,
        Self::Sessions,
        Self::SignIn,
        Self::SignUp,
        Self::Row,
        Self::Members,
        Self::Refresh,
        Self::Create,
        Self::CreateWithKey,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "an endpoint without dependencies",
            Self::Session => "session check",
            Self::UncachedSession => "session check, not cached",
            Self::Sessions => "list of sessions",
            Self::Profile => "change of the profile",
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::Row => "one row",
            Self::Members => "list of members",
            Self::Refresh => "refresh",
            Self::Create => "create organization",
            Self::CreateWithKey => "create organization, `Idempotency-Key`",
        }
    }

    /// Returns how often it is made in a round.
    pub fn per_round(self) -> usize {
        match self {
            // Half of the 20 organizations that a user may own.
            Self::SignIn | Self::SignUp | Self::Create | Self::CreateWithKey => 10,
            _ => 20,
        }
    }

    /// Returns how often it is made before the first round. Node compiles what has run often.
    pub fn to_warm_up(self) -> usize {
        match self {
            Self::Create | Self::CreateWithKey => 5,
            Self::SignIn | Self::SignUp => 10,
            _ => 100,
        }
    }
}

/// One instance of each of our functions, and a user who is signed in.
pub struct Ours {
    auth: Instance,
    organizations: Instance,
    system: Instance,
    /// Reads and creates. The cache holds the session.
    reader: User,
    /// Changes the profile. The cache does not hold it for a minute after that.
    editor: User,
    /// Signs in and refreshes.
    visitor: User,
    /// The reader's organization.
    organization: String,
    /// The visitor's newest refresh token.
    refresh_token: String,
}

impl Ours {
    /// Starts the instances with `environment`.
    pub async fn start(world: &World, environment: &HashMap<String, String>) -> Result<Self> {
        let start = async |function: &str| Instance::start(&world.programs.join(function), environment).await;
        let (auth, organizations, system) =
            (start("auth").await?, start("organizations").await?, start("system").await?);
        let reader = world.register(&auth).await?;
        let (editor, visitor) = (world.register(&auth).await?, world.register(&auth).await?);
        let (list, _) = organizations.request(&get("/v1/organizations", Some(&reader.token)), 200).await?;
        let organization = list.pointer("/data/0/id").and_then(Value::as_str).context("an organization")?;
        let (organization, refresh_token) = (organization.to_owned(), visitor.refresh_token.clone());
        Ok(Self { auth, organizations, system, reader, editor, visitor, organization, refresh_token })
    }

    /// Lets the cache hold the reader's session. It does so for five seconds.
    pub async fn fill_cache(&self) -> Result<()> {
        self.auth.request(&get("/v1/auth/me", Some(&self.reader.token)), 200).await?;
        Ok(())
    }

    /// Makes a call. Returns the duration. Fails for a wrong answer.
    pub async fn call(&mut self, call: Call) -> Result<Duration> {
        let token = Some(self.reader.token.as_str());
        let editor = Some(self.editor.token.as_str());
        let (auth, organizations) = (&self.auth, &self.organizations);
        let new_organization = json!({ "name": "Analytical Engines" });
        let path = |path: &str| format!("/v1/organizations/{}{path}", self.organization);
        let (instance, event, status) = match call {
            Call::Health => (&self.system, get("/health", None), 200),
            Call::Session => (auth, get("/v1/auth/me", token), 200),
            Call::UncachedSession => (auth, get("/v1/auth/me", editor), 200),
            Call::Sessions => (auth, get("/v1/auth/sessions", token), 200),
            Call::Profile => {
                let body = json!({ "name": Uuid::new_v4() });
                (auth, event("PATCH", "/v1/auth/me", editor, Some(&body), &[]), 200)
            }
            Call::SignIn => {
                let body = json!({ "email": self.visitor.email, "password": PASSWORD });
                (auth, post("/v1/auth/login", None, &body), 201)
            }
            Call::SignUp => {
                let email = format!("{}@example.com", Uuid::new_v4().simple());
                let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
                (auth, post("/v1/auth/register", None, &body), 201)
            }
            Call::Row => (auth, get(&format!("/v1/auth/sessions/{}", self.reader.session), token), 200),
            Call::Members => (organizations, get(&path("/members"), token), 200),
            Call::Refresh => {
                let body = json!({ "refreshToken": self.refresh_token });
                (auth, post("/v1/auth/refresh", None, &body), 200)
            }
            Call::Create => (organizations, post("/v1/organizations", token, &new_organization), 201),
            Call::CreateWithKey => {
                let key = Uuid::new_v4().to_string();
                let more = [("idempotency-key", key.as_str())];
                (
                    organizations,
                    event("POST", "/v1/organizations", token, Some(&new_organization), &more),
                    201,
                )
            }
        };
        let (answer, took) = instance.request(&event, status).await?;
        if call == Call::Refresh {
            let next = answer.pointer("/data/refreshToken").and_then(Value::as_str).context("a token")?;
            next.clone_into(&mut self.refresh_token);
        }
        Ok(took)
    }
}
