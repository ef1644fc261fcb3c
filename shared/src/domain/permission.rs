//! Who may do what in an organization, on one page.

text_enum!(
    /// What a member is, in rising order: each may do all that those before it may.
    Role {
        /// Reads.
        Member = "member",
        /// Manages members, invitations and API keys.
        Admin = "admin",
        /// May also delete the organization. There is always one.
        Owner = "owner",
    }
);

text_enum!(
    /// What an API key may do.
    Scope {
        /// Read the organization's profile.
        OrganizationRead = "organization:read",
        /// Change it.
        OrganizationWrite = "organization:write",
        /// Read who its members are.
        MembersRead = "members:read",
        /// Remove plain members.
        MembersWrite = "members:write",
        /// Read who has been invited.
        InvitationsRead = "invitations:read",
        /// Invite people, as plain members.
        InvitationsWrite = "invitations:write",
        /// Read the audit log.
        AuditEventsRead = "audit-events:read",
    }
);

/// Something that members of a role, and keys of a scope, may do.
pub trait Permission: Send + Sync + 'static {
    /// The least role that has it.
    const ROLE: Role;
    /// The scope with which an API key has it; none has it if there is none.
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
    /// See the organization.
    ReadOrganization: Member, Some(Scope::OrganizationRead);
    /// Change its profile.
    UpdateOrganization: Admin, Some(Scope::OrganizationWrite);
    /// Delete it.
    DeleteOrganization: Owner, None;
    /// See the members.
    ReadMembers: Member, Some(Scope::MembersRead);
    /// Change the role of others. No key does: whoever has an admin's role can make keys.
    UpdateMembers: Admin, None;
    /// Leave, or with the role of an admin remove others.
    RemoveMembers: Member, Some(Scope::MembersWrite);
    /// See who has been invited.
    ReadInvitations: Admin, Some(Scope::InvitationsRead);
    /// Invite, and take invitations back.
    ManageInvitations: Admin, Some(Scope::InvitationsWrite);
    /// See, make, change, rotate and revoke API keys. A key cannot make keys.
    ManageApiKeys: Admin, None;
    /// Read the audit log.
    ReadAuditEvents: Admin, Some(Scope::AuditEventsRead);
);
