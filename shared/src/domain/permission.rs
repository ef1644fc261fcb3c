//! All permissions in an organization: the role and the scope that each one needs.

text_enum!(
    /// The role of a member. Each role has all permissions of the roles before it.
    Role {
        /// Reads.
        Member = "member",
        /// Manages members, invitations and API keys.
        Admin = "admin",
        /// May also delete the organization. An organization always has an owner.
        Owner = "owner",
    }
);

text_enum!(
    /// A permission of an API key.
    Scope {
        /// Read the organization's profile.
        OrganizationRead = "organization:read",
        /// Change the organization's profile.
        OrganizationWrite = "organization:write",
        /// Read the members.
        MembersRead = "members:read",
        /// Remove members with the role `member`.
        MembersWrite = "members:write",
        /// Read the invitations.
        InvitationsRead = "invitations:read",
        /// Invite people with the role `member`.
        InvitationsWrite = "invitations:write",
        /// Read the audit log.
        AuditEventsRead = "audit-events:read",
        /// Read and search artifacts.
        ArtifactsRead = "artifacts:read",
        /// Create, change and delete artifacts and labels.
        ArtifactsWrite = "artifacts:write",
        /// Have own conversations with a language model.
        ChatWrite = "chat:write",
        /// Read what the organization has used of language models.
        UsageRead = "usage:read",
    }
);

/// A permission, given by a role or by the scope of an API key.
pub trait Permission: Send + Sync + 'static {
    /// The lowest role with this permission.
    const ROLE: Role;
    /// The scope that gives an API key this permission; `None` if no scope does.
    const SCOPE: Option<Scope>;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $scope:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Permission for $name {
            const ROLE: Role = Role::$role;
            const SCOPE: Option<Scope> = $scope;
        }
    )+

        /// The name of every permission, the lowest role that has it, and its scope.
        pub const ALL: &[(&str, Role, Option<Scope>)] = &[$((stringify!($name), Role::$role, $scope)),+];
    };
}

permissions!(
    ReadOrganization: Member, Some(Scope::OrganizationRead);
    UpdateOrganization: Admin, Some(Scope::OrganizationWrite);
    DeleteOrganization: Owner, None;
    ReadMembers: Member, Some(Scope::MembersRead);
    /// Change the roles of other members. Not for keys: a key could make someone an admin, and an admin can create keys.
    UpdateMembers: Admin, None;
    /// Leave; for admins and keys also remove others.
    RemoveMembers: Member, Some(Scope::MembersWrite);
    ReadInvitations: Admin, Some(Scope::InvitationsRead);
    /// Create and revoke invitations.
    ManageInvitations: Admin, Some(Scope::InvitationsWrite);
    /// Read, create, change, rotate and revoke API keys. Not for keys: a key cannot create keys.
    ManageApiKeys: Admin, None;
    ReadAuditEvents: Admin, Some(Scope::AuditEventsRead);
    ReadArtifacts: Member, Some(Scope::ArtifactsRead);
    /// Create, change and delete artifacts and labels. Members delete their own artifacts only.
    WriteArtifacts: Member, Some(Scope::ArtifactsWrite);
    /// Read, create, change and delete own conversations. Nobody has those of others.
    Chat: Member, Some(Scope::ChatWrite);
    ReadUsage: Admin, Some(Scope::UsageRead);
);
