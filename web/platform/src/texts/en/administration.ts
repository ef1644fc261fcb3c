import type { components } from "../../api/schema";

type User = components["schemas"]["User"];
type Status = "active" | "suspended" | "deleted" | "erased";

const statuses: Record<Status, string> = {
    active: "Active",
    suspended: "Suspended",
    deleted: "Deleted",
    erased: "Erased",
};

// What the API refuses, for an administrator.
const problems: Record<string, string | undefined> = {
    stale: "Somebody changed this account after you opened it. The page shows the change now: close this, look at the page, and begin again.",
    "last-owner":
        "This person is the last owner of an organization with other members. They must make another member an owner first.",
    "legal-hold": "This account is under a legal hold. Lift it before you erase the account.",
    "email-taken":
        "Another account has this address. Find out whose it is; if a thief registered it, delete that account first.",
    "user-deleted": "Somebody deleted this account. Restore it first.",
    "user-erased": "This account is erased. It cannot be changed any more.",
};

export const administration = {
    pages: "Administration",
    users: "Users",
    audit: "Audit log",

    forAdministrators: "Only for administrators of the system",
    forAdministratorsText:
        "This page is about all accounts. Your account is not an administrator's. If you need it to be, ask an administrator.",

    usersText: "Every account, also the deleted ones.",
    statuses,
    allStatuses: "All",
    filterByStatus: "Filter by state",
    findByEmail: "Find by e-mail address",
    find: "Find",
    clear: "Clear",
    newestFirst: "Newest first",
    oldestFirst: "Oldest first",
    order: "Order",
    user: "User",
    state: "State",
    created: "Created",
    noUsers: "No accounts here",
    noUsersText: "No account is in this state.",
    notFound: "No account has this address",
    notFoundText: "Write the whole address, as in ada@example.com. It may have changed: the audit log shows changes.",
    showAll: "Show all accounts",

    administrator: "Administrator",
    held: "Legal hold",
    mailStopped: "Mail stopped",
    notVerified: "Address not confirmed",

    suspendedNotice: "Suspended: this person cannot sign in, and their sessions have ended.",
    deletedNotice: "Deleted: it can be restored until it is erased, 30 days after the deletion.",
    heldNotice: "Under a legal hold: nothing about this person is erased.",
    mailNotice: { bounce: "A mail to the address bounced.", complaint: "The reader of a mail complained about it." },
    mailNoticeText: "No mail is sent to this person, not even a link to sign in.",
    erasedNotice: "Erased: all personal data is overwritten. Nothing here can be changed any more.",
    ownNotice:
        "This is your own account. Another administrator can do what is missing here. You change your sign-in in",
    ownAccount: "your account",
    reason: (reason: string) => `Reason: ${reason}`,
    since: "since",

    account: "Account",
    email: "E-mail address",
    confirmed: "confirmed",
    notConfirmed: "not confirmed",
    secondFactor: "Second factor",
    noSecondFactor: "A sign-in needs no second factor",
    phone: "Phone",
    image: "Picture",
    changed: "Last change",
    id: "Id",
    toThem: "Events about this person",
    byThem: "Events caused by this person",

    profile: "Profile",
    profileText: "What others see of this person. The address is changed by the person, with a mailed link.",
    name: "Name",
    phoneHint: "International, such as +442071838750.",
    phoneError: "Begin with + and the country, then digits only.",
    imageHint: "The address of a picture, which begins with https://.",
    imageError: "Enter a full address that begins with https://.",
    saveProfile: "Save profile",
    profileSaved: "The profile is saved.",

    access: "Access",
    endSessions: "End all sessions",
    endSessionsText: "Signs this person out everywhere at once. They can sign in again.",
    endSessionsConfirm: ({ name }: User) =>
        `${name} is signed out on every device at once, and links that were mailed to sign in stop working. ${name} can sign in again.`,
    sessionsEnded: ({ name }: User) => `${name} is signed out everywhere.`,

    removeFactors: "Remove second factors",
    removeFactorsText: "For a person who has lost the authenticator app, the recovery codes and the passkeys.",
    removeFactorsConfirm: ({ name }: User) =>
        `The authenticator app, the recovery codes and all passkeys of ${name} are removed, all sessions end, and a mail tells ${name}. The password or the mailbox is then enough to sign in, so first make sure that the person who asks is ${name}: by a way that needs neither.`,
    factorsRemoved: ({ name }: User) => `${name} can sign in without a second factor. Ask them to add one again.`,

    resumeMail: "Send mail again",
    resumeMailText: "For an address that works again, or whose owner asks for mail. A new report stops it again.",
    resumeMailConfirm: ({ name, email }: User) =>
        `Mail is sent to ${email} again. Ask ${name} first: mail to an address that bounces or complains harms the delivery of all mail.`,
    mailResumed: ({ email }: User) => `Mail is sent to ${email} again.`,

    suspend: "Suspend",
    suspendTitle: ({ name }: User) => `Suspend ${name}?`,
    suspendText: "Ends all sessions, and refuses sign-ins and new passwords until you lift it.",
    suspendConfirm: ({ name }: User) =>
        `All sessions of ${name} end at once. ${name} can neither sign in nor set a new password, sees the answer for a wrong password, and gets no mail. Organizations and API keys keep working.`,
    suspendReason: "Reason",
    suspendReasonHint: "Administrators see it here.",
    suspended: ({ name }: User) => `${name} is suspended, and signed out everywhere.`,
    liftSuspension: "Lift suspension",
    liftSuspensionText: "Lets this person sign in again.",
    liftSuspensionConfirm: ({ name }: User) =>
        `${name} can sign in again, with everything that worked before. If the account was taken over, give it back to its owner first: the thief's password would work again.`,
    suspensionLifted: ({ name }: User) => `${name} can sign in again.`,

    recover: "Give back to its owner",
    recoverText: "For an account that somebody has taken over. Suspend it first, and find out who owns it.",
    recoverConfirm: ({ name }: User) =>
        `The password, the second factors, all providers and passkeys of ${name} are removed, all sessions end, and all mailed links stop working. A mail with a link that sets a new password is the only way in; it works for one hour.`,
    recoverSuspended: "The account is suspended: lift the suspension afterwards, because the link works only then.",
    recoverEmail: "New address",
    recoverEmailHint: (email: string) => `Leave it empty if ${email} is still the owner's address.`,
    recoverAction: "Give back",
    recovered: ({ email }: User) => `The only way in is the link that was mailed to ${email}. It works for one hour.`,
    recoveredSuspended: ({ email }: User) =>
        `A link was mailed to ${email}. Lift the suspension now, so that it works.`,

    administratorTitle: "System administration",
    appoint: "Appoint as administrator",
    appointText: "Lets this person do everything that you can do here, to all accounts.",
    appointConfirm: ({ name }: User) =>
        `From the next request on, ${name} can see, suspend, delete and erase all accounts, read the whole audit log, and appoint or dismiss administrators, also you.`,
    appointAction: "Appoint",
    appointed: ({ name }: User) => `${name} is an administrator.`,
    dismiss: "Dismiss as administrator",
    dismissText: "Takes the administration of accounts from this person.",
    dismissConfirm: ({ name }: User) =>
        `From the next request on, ${name} cannot see or change other accounts any more. Their own account and organizations stay as they are.`,
    dismissAction: "Dismiss",
    dismissed: ({ name }: User) => `${name} is not an administrator any more.`,

    data: "Data",
    export: "Export data",
    exportText:
        "Downloads what is stored about this person as a JSON file, without the audit log. The log notes the export.",
    exported: ({ name }: User) => `The data about ${name} is downloaded.`,
    exportName: ({ id }: User) => `user-${id}.json`,
    hold: "Place legal hold",
    holdTitle: ({ name }: User) => `Place a legal hold on ${name}?`,
    holdText: "Forbids the erasure of this person's data, until it is lifted.",
    holdConfirm: ({ name }: User) =>
        `Nobody can erase ${name}, and a deleted account is not erased after 30 days either. It has no other effect: ${name} can still sign in.`,
    holdAction: "Place hold",
    holdReasonHint: "Such as the court and the number of the case.",
    holdPlaced: ({ name }: User) => `${name} is under a legal hold.`,
    liftHold: "Lift legal hold",
    liftHoldText: "Allows the erasure of this person's data again.",
    liftHoldConfirm: ({ name }: User) =>
        `The data of ${name} may be erased again. If the account was deleted more than 30 days ago, it is erased within a day.`,
    liftHoldAction: "Lift hold",
    holdLifted: ({ name }: User) => `The legal hold on ${name} is lifted.`,

    end: "End of the account",
    remove: "Delete account",
    removeText: "Ends all sessions, and deletes organizations without other members. It can be restored for 30 days.",
    removeConfirm: ({ name }: User) =>
        `${name} is signed out everywhere and leaves all organizations; those without other members are deleted too. You can restore the account for 30 days. After that it is erased.`,
    removed: ({ name }: User) => `The account of ${name} is deleted. You can restore it for 30 days.`,
    restore: "Restore account",
    restoreText: "Undoes the deletion, with the organizations that were deleted together with the account.",
    restoreConfirm: ({ name }: User) =>
        `${name} can sign in again, and has the organizations that were deleted with the account. Other organizations must invite ${name} again.`,
    restoreSuspendedConfirm: ({ name }: User) =>
        `${name} has the account and the organizations that were deleted with it again, but stays suspended. Other organizations must invite ${name} again.`,
    restored: ({ name }: User) => `The account of ${name} is restored.`,
    restoredSuspended: ({ name }: User) => `The account of ${name} is restored. It is still suspended.`,
    erase: "Erase account",
    eraseText: "Overwrites all personal data at once and for ever. For a person who asks to be forgotten.",
    eraseHeld: "Not possible under a legal hold.",
    eraseConfirm: ({ name }: User) =>
        `All personal data of ${name} is overwritten, also in backups that are restored later, and organizations without other members are removed with everything in them. Nobody can undo this. If ${name} wants a copy of the data, export it first.`,
    eraseAction: "Erase for ever",
    erased: "The account is erased.",

    auditText: "What happened to all accounts and in all organizations. Events are kept for a year.",
    problems,
};
