//! `/v1/organizations/{organizationId}/members`: the people in an organization.

mod delete;
mod list;
mod show;
mod update;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    accounts::departure::LAST_OWNER,
    auth::Member,
    db::Tx,
    domain::{
        ids::UserId,
        page::Data,
        permission::{Permission, Role},
    },
    http::{Routes, etag::ETag},
    routes,
    store::members,
};
use utoipa::{IntoParams, ToSchema};

use crate::{OrganizationsState, refusals};

pub fn add_routes<R: Routes<OrganizationsState>>(routes: R) -> R {
    routes.routes(routes!(list::list)).routes(routes!(show::show, update::update, delete::delete))
}

/// The path of a member.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct MemberPath {
    /// The member's id, which is the user's.
    member_id: UserId,
}

/// A member of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct MemberView {
    /// The user's id.
    id: UserId,
    #[schema(example = "Ada Lovelace", min_length = 1, max_length = 100)]
    name: String,
    #[schema(example = "ada@example.com", min_length = 3, max_length = 254)]
    email: String,
    /// The URL of a picture.
    #[schema(max_length = 2048)]
    image: Option<String>,
    role: Role,
    /// Whether the user has a second factor: an authenticator app or a passkey. Only admins and owners see it; null for others and for API keys.
    second_factor: Option<bool>,
    /// The time at which the user joined.
    created_at: DateTime<Utc>,
    /// The time of the last change of the role.
    updated_at: DateTime<Utc>,
}

impl MemberView {
    /// Shows `member` to a caller with the role `own`.
    fn new(member: members::Member, own: Role) -> Self {
        Self {
            id: member.user_id,
            name: member.name,
            email: member.email,
            image: member.image,
            role: member.role,
            second_factor: (own >= Role::Admin).then_some(member.has_second_factor),
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
}

/// A member, with its version as `ETag`.
pub type MemberResponse = (ETag, Json<Data<MemberView>>);

/// Shows `member` to a caller with the role `own`.
fn respond(member: members::Member, own: Role) -> MemberResponse {
    (ETag(member.version), Json(Data { data: MemberView::new(member, own) }))
}

/// Loads the member `id` of the caller's organization.
async fn find<P>(tx: &mut Tx, caller: &Member<P>, id: UserId) -> Result<members::Member, ApiError> {
    Ok(members::find(tx, caller.organization.id, id).await?.ok_or(refusals::NO_SUCH_MEMBER)?)
}

/// Locks the organization and loads its member `id`. Returns the caller's own role too ([`Member::lock`]).
async fn lock<P: Permission>(
    tx: &mut Tx,
    caller: &Member<P>,
    id: UserId,
) -> Result<(Role, members::Member), ApiError> {
    let own = caller.lock(tx).await?.role;
    Ok((own, find(tx, caller, id).await?))
}

/// Refuses to take the role `owner` from the last owner. Lock the organization first.
async fn require_other_owner<P>(
    tx: &mut Tx,
    caller: &Member<P>,
    target: &members::Member,
) -> Result<(), ApiError> {
    let owner = target.role == Role::Owner;
    if owner && members::is_last_owner(tx, caller.organization.id, target.user_id).await? {
        return Err(LAST_OWNER.into());
    }
    Ok(())
}
