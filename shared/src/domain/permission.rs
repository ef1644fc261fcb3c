//! Roles, scopes and permissions: all rules for access to an organization.

text_enum!(
    /// The role of a member. Each role also has the permissions of the roles before it.
    Role {
        /// May read.
        Member = "member",
        /// May manage members, invitations and API keys.
        Admin = "admin",
        /// May also delete the organization. Each organization has at least one.
        Owner = "owner",
    }
);

text_enum!(
    /// A scope of an API key: what the key may do.
    Scope {
        /// Read the organization's profile.
        OrganizationRead = "organization:read",
        /// Change the organization's profile.
        OrganizationWrite = "organization:write",
        /// Read the list of members.
        MembersRead = "members:read",
        /// Remove members with the role `member`.
        MembersWrite = "members:write",
        /// Read the list of invitations.
        InvitationsRead = "invitations:read",
        /// Invite people with the role `member`, and revoke invitations.
        InvitationsWrite = "invitations:write",
        /// Read the audit log.
        AuditEventsRead = "audit-events:read",
    }
);

/// A permission in an organization.
pub trait Permission: Send + Sync + 'static {
    /// The lowest role that has it.
    const ROLE: Role;
    /// The scope with which an API key has it; `None` if no key can have it.
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
    /// Read the organization.
    ReadOrganization: Member, Some(Scope::OrganizationRead);
    /// Change the organization's profile.
    UpdateOrganization: Admin, Some(Scope::OrganizationWrite);
    /// Delete the organization.
    DeleteOrganization: Owner, None;
    /// Read the members.
    ReadMembers: Member, Some(Scope::MembersRead);
    /// Change the role of other members. No scope: a member with the role `admin` can create keys, and a key must not give more rights.
    UpdateMembers: Admin, None;
    /// Leave; with the role `admin`, also remove other members.
    RemoveMembers: Member, Some(Scope::MembersWrite);
    /// Read the invitations.
    ReadInvitations: Admin, Some(Scope::InvitationsRead);
    /// Invite people, and revoke invitations.
    ManageInvitations: Admin, Some(Scope::InvitationsWrite);
    /// Read, create, change, rotate and revoke API keys. No scope: a key cannot create keys.
    ManageApiKeys: Admin, None;
    /// Read the audit log.
    ReadAuditEvents: Admin, Some(Scope::AuditEventsRead);
);
