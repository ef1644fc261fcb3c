//! What many tests arrange: proved addresses, organizations, who belongs to them and with which keys.

use std::collections::BTreeMap;

use serde_json::json;
use shared::mail::mailer::Mail;
use uuid::Uuid;

use crate::{
    Answer, Person, TestApp,
    document::{Collection, collections},
};

/// An invitation that was mailed.
pub struct Invitation {
    pub id: String,
    /// The token that was mailed.
    pub token: String,
}

/// An API key.
pub struct ApiKey {
    pub id: String,
    pub secret: String,
}

/// Returns the token of the link in `text`.
#[must_use]
pub fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("token=").expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

impl TestApp {
    /// Stops mail to `email`, as `mail-events` does.
    pub async fn stop_mail(&self, email: &str, reason: &str) {
        sqlx::query("INSERT INTO mail_suppressions (address, reason, since) VALUES (lower($1), $2, '2026-01-01T00:00:00Z')")
            .bind(email)
            .bind(reason)
            .execute(self.database.pool())
            .await
            .expect("mail to it is not stopped yet");
    }

    /// Returns the number of mails to `email`.
    #[must_use]
    pub fn mail_count(&self, email: &str) -> usize {
        self.mails().iter().filter(|mail| mail.to.as_ref() == email).count()
    }

    /// Returns the newest mail to `email`.
    #[must_use]
    pub fn mail_to(&self, email: &str) -> Mail {
        let mail = self.mails().into_iter().rfind(|mail| mail.to.as_ref() == email);
        mail.unwrap_or_else(|| panic!("no mail to {email}"))
    }

    /// Returns the token in the newest mail to `email`.
    #[must_use]
    pub fn token_mailed_to(&self, email: &str) -> String {
        token_in(&self.mail_to(email).text)
    }

    /// Returns the six digits in the newest mail to `email`.
    #[must_use]
    pub fn code_mailed_to(&self, email: &str) -> String {
        let mail = self.mail_to(email);
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        mail.text.split_whitespace().find(is_code).expect("a code").to_owned()
    }

    /// Creates a signed-in user with a verified address.
    pub async fn verified_person(&self, name: &str) -> Person<'_> {
        let person = self.person(name).await;
        person.verify_address().await;
        person
    }

    /// Creates a signed-in system administrator.
    pub async fn administrator(&self, name: &str) -> Person<'_> {
        let person = self.person(name).await;
        sqlx::query("UPDATE users SET system_administrator = true WHERE id = $1::uuid")
            .bind(&person.id)
            .execute(self.database.pool())
            .await
            .expect("the user exists");
        person
    }
}

impl TestApp {
    /// Brings the artifact `id` into a state in which `operation` succeeds.
    pub async fn prepare_artifact(&self, operation: &str, id: &str) {
        let (status, failure) = match operation {
            "retry_artifact" => ("failed", Some("processing-stopped")),
            "download_artifact" => ("ready", None),
            "upload_artifact" => ("pending", None),
            _ => return,
        };
        sqlx::query("UPDATE artifacts SET status = $2, failure = $3, stage = NULL WHERE id = $1::uuid")
            .bind(id)
            .bind(status)
            .bind(failure)
            .execute(self.database.pool())
            .await
            .expect("the artifact exists");
    }
}

impl TestApp {
    /// Brings the conversation `id`, which has one answer at least, into a state in which `operation` succeeds.
    pub async fn prepare_conversation(&self, operation: &str, id: &str) {
        let change = match operation {
            // One answer at a time.
            "create_answer" => {
                "UPDATE messages SET status = 'complete', finished_at = created_at
                 WHERE conversation_id = $1::uuid AND status = 'streaming'"
            }
            "cancel_message" => {
                "UPDATE messages SET status = 'streaming', finished_at = NULL
                 WHERE id = (SELECT id FROM messages WHERE conversation_id = $1::uuid AND role = 'assistant' ORDER BY id LIMIT 1)"
            }
            _ => return,
        };
        sqlx::query(change).bind(id).execute(self.database.pool()).await.expect("the conversation exists");
    }

    /// Adds a question to the conversation `id`, and an answer that a model writes, as the function does that asks the model. Returns
    /// the id of the answer.
    pub async fn begin_answer(&self, id: &str) -> String {
        let (question, answer) = (Uuid::now_v7(), Uuid::now_v7());
        sqlx::query(
            "INSERT INTO messages (id, organization_id, conversation_id, role, status, content, model, prompt_tokens,
                                   completion_tokens, usage_estimated, deadline_at, created_at, finished_at)
             SELECT m.id, c.organization_id, c.id, m.role, m.status, m.content, m.model, m.tokens, m.tokens, m.model IS NOT NULL,
                    m.deadline_at, $4::timestamptz, m.finished_at
             FROM conversations c,
                  (VALUES ($1, 'user', 'complete', 'How long are backups kept?', NULL, NULL, NULL, $4::timestamptz),
                          ($2, 'assistant', 'streaming', '', 'gpt-4.1-mini', 0, $4::timestamptz + interval '1 year', NULL))
                      AS m (id, role, status, content, model, tokens, deadline_at, finished_at)
             WHERE c.id = $3::uuid",
        )
        .bind(question)
        .bind(answer)
        .bind(id)
        .bind(self.state.app.clock.now())
        .execute(self.database.pool())
        .await
        .expect("the conversation exists");
        answer.to_string()
    }
}

impl Answer {
    /// Returns the id of the resource.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("/data/id")
    }
}

impl Person<'_> {
    /// Verifies the address, with the token that was mailed at registration.
    pub async fn verify_address(&self) {
        let app = self.client.app;
        let token = json!({ "token": app.token_mailed_to(&self.email) });
        self.client.post("/v1/auth/verify-email", token).await.ok(200);
    }

    /// Creates an organization and returns its path. Marks the owner's address as verified, so that the owner may invite.
    pub async fn create_organization(&self, name: &str) -> String {
        sqlx::query("UPDATE users SET email_verified_at = coalesce(email_verified_at, created_at) WHERE id = $1::uuid")
            .bind(&self.id)
            .execute(self.client.app.database.pool())
            .await
            .expect("the user exists");
        let made = self.client.post("/v1/organizations", json!({ "name": name })).await.ok(201);
        format!("/v1/organizations/{}", made.id())
    }

    /// Invites `email` into the organization at the path `organization`.
    pub async fn invite(&self, organization: &str, email: &str, role: &str) -> Invitation {
        let body = json!({ "email": email, "role": role });
        let made = self.client.post(&format!("{organization}/invitations"), body).await.ok(201);
        Invitation { id: made.id().to_owned(), token: self.client.app.token_mailed_to(email) }
    }

    /// Accepts the invitation with this token.
    pub async fn accept(&self, token: &str) -> Answer {
        self.client.post("/v1/invitations/accept", json!({ "token": token })).await
    }

    /// Invites `other`, who accepts. The address of `other` must be verified.
    pub async fn add(&self, organization: &str, other: &Person<'_>, role: &str) {
        let invitation = self.invite(organization, &other.email, role).await;
        other.accept(&invitation.token).await.ok(200);
    }

    /// Creates an API key with these scopes.
    pub async fn create_key(&self, organization: &str, scopes: &[&str]) -> ApiKey {
        let body = json!({ "name": "Key", "scopes": scopes });
        let made = self.client.post(&format!("{organization}/api-keys"), body).await.ok(201);
        ApiKey { id: made.id().to_owned(), secret: made.text("/data/key").to_owned() }
    }

    /// Creates one thing of every kind in the organization at the path `organization`. Returns their ids by the parameters that
    /// name them in a path.
    pub async fn create_everything(&self, organization: &str) -> BTreeMap<String, String> {
        let mut ids = BTreeMap::new();
        for collection in collections() {
            let id = self.create_in(organization, &collection).await;
            ids.insert(collection.parameter, id);
        }
        let message = self.client.app.begin_answer(&ids["conversationId"]).await;
        ids.insert("messageId".to_owned(), message);
        ids
    }

    /// Creates a thing of one kind in the organization at the path `organization`. Returns its id.
    pub async fn create_in(&self, organization: &str, collection: &Collection) -> String {
        let create = &collection.create;
        let path = create.path.replace("/v1/organizations/{organizationId}", organization);
        let mut body = create.body.clone().unwrap_or_default();
        if body.get("email").is_some() {
            // An address can be invited once.
            body["email"] = json!(format!("{}@example.com", Uuid::new_v4().simple()));
        }
        if body.get("text").is_some() || path.ends_with("/labels") {
            // A content can be created once, and so can a label's name.
            let member = if path.ends_with("/labels") { "name" } else { "text" };
            body[member] = json!(Uuid::new_v4().to_string());
        }
        self.client.call(&create.method, &path, Some(&body)).await.ok(201).id().to_owned()
    }
}
