export const signIn = {
    // Sign in
    title: "Sign in",
    text: "Welcome back.",
    email: "E-mail address",
    password: "Password",
    signIn: "Sign in",
    forgot: "Forgot your password?",
    or: "or",
    continueWith: (provider: string) => `Continue with ${provider}`,
    withPasskey: "Sign in with a passkey",
    passkeyFailed: "The passkey was not used. Try again, or choose another way.",
    passkeyWrong: "This passkey does not sign in here. Choose another one, or another way.",
    byMail: "Mail me a link instead",
    newHere: "New here?",
    register: "Create an account",
    otherDomain:
        "Your browser will not keep you signed in here, because this site and its API are below different domains. Ask your operator to give both a name below one domain.",

    // By mail
    mailTitle: "Sign in by mail",
    mailText: "We mail you a link and six digits. No password is needed.",
    mailMe: "Mail me a link",
    mailedTitle: "Look into your mail",
    mailedText: (address: string) =>
        `If there is an account for ${address}, a mail with a link and six digits is on its way. Both work for 15 minutes.`,
    digits: "Six digits from the mail",
    digitsWrong: "These digits are wrong or too old. Use the link in the mail, or ask for a new mail.",
    otherAddress: "Use another address",
    withPassword: "Sign in with a password",

    // Magic link
    magicTitle: "Sign in",
    magicText: "Press the button to sign in on this device.",
    magicAs: (address: string) =>
        `You are signed in as ${address}. If the mail was for another address, its account takes the place of yours.`,
    staySignedIn: "Stay signed in as you are",
    otherSignedIn: (address: string) => `You are signed in as ${address} now.`,

    // Second factor
    factorTitle: "One more step",
    factorText: "Your account asks for a second factor.",
    code: "Code of your authenticator app",
    codeHint: "Six digits, a new code every 30 seconds.",
    recoveryCode: "Recovery code",
    recoveryCodeHint: "One of the ten codes that you have kept. It works once.",
    usePasskey: "Use a passkey",
    useCode: "Use the authenticator app",
    useRecoveryCode: "Use a recovery code",
    codeWrong: "This code is wrong, or it was used before. Wait for the next one.",
    recoveryCodeWrong: "This recovery code is wrong, or it was used before.",
    challengeEnded: "This sign-in is too old, or there were too many wrong codes. Begin again.",
    beginAgain: "Begin again",

    // Register
    registerTitle: "Create an account",
    registerText: "You get an organization of your own, and can invite others to it.",
    name: "Your name",
    newPassword: "Password",
    create: "Create the account",
    haveAccount: "Have an account?",
    emailTaken: "There is an account with this address already. Sign in, or ask for a new password.",
    passwordLikeAccount: "The password must not be your name or your address.",
    welcome: "Welcome! We have mailed you a link that confirms your address.",
    registeredTwice: "Your account exists. Sign in with your password.",

    // Forgot and reset
    forgotTitle: "Forgot your password?",
    forgotText: "We mail you a link that sets a new one.",
    forgotSent: "Look into your mail",
    forgotSentText: (address: string) =>
        `If there is an account for ${address}, a mail with a link is on its way. Nothing there after some minutes? Look into the spam folder.`,
    backToSignIn: "Back to the sign-in",
    resetTitle: "Choose a new password",
    resetText: "You will be signed out everywhere.",
    changePassword: "Change the password",
    resetDone: "Your password is changed",
    resetDoneText: "Sign in with the new one.",

    // Mailed links
    linkMissing: "This link is not complete",
    linkMissingText: "Open it again from the mail, or copy all of it into the address bar.",
    linkUsed: "This link does not work any more",
    linkUsedText: "It was used before, or it is too old.",
    askForMail: "Ask for a new mail",
    verifyTitle: "Confirm your e-mail address",
    verifyText: "Press the button to confirm that this address is yours.",
    verifyAs: (address: string) => `You are signed in as ${address}.`,
    verifySignIn: "Sign in first",
    verifySignInText:
        "If you have a password, sign in here before you confirm: this shows that the password is yours, too.",
    confirm: "Confirm",
    notMe: "This was not me",
    verified: "Your address is confirmed",
    verifiedText: "You can invite others, and add passkeys.",
    goOn: "Go on",
    rejectLinkTitle: "This mail was not for you?",
    rejectLinkText:
        "Then somebody used your address. Press the button, and the link stops working. An account that nobody has confirmed is deleted.",
    rejectLink: "This was not me",
    linkRejected: "Thank you",
    linkRejectedText: "The link does not work any more. No account keeps your address because of it.",
    lastOwner:
        "This account is the only owner of an organization, so it cannot be deleted here. Write to the operator.",
    confirmEmailTitle: "Move your account to this address",
    confirmEmailText: "Afterwards you sign in with it.",
    confirmEmailPassword: "Enter the password of your account.",
    move: "Move the account",
    moved: "Your account has moved",
    movedText: "Sign in with this address from now on.",
    proofNeeded: "Enter the password of your account.",
    factorNeeded: "Your account has a second factor. Sign in first, and open this link again.",
    wrongPassword: "This password is wrong.",
    addressTaken: "Another account has this address now.",
    undoTitle: "Take your account back",
    undoText:
        "Press the button to move your account back to this address. Its password, passkeys and linked providers are removed, and it is signed out everywhere.",
    undo: "Take it back",
    undone: "Your account is back",
    undoneText: "Choose a new password now.",
    chooseNewPassword: "Choose a new password",
    rejectTitle: "This was not you?",
    rejectText:
        "Press the button if you did not sign in yourself. Your account is signed out everywhere, and its password is removed. We mail you a link for a new one.",
    rejected: "Your account is safe",
    rejectedText:
        "It is signed out everywhere and has no password. Choose a new one with the link that we have just mailed to you.",
    identityTitle: "Add a way to sign in",
    identityText:
        "Press the button only if you have just signed in with an identity provider yourself. It then signs in to your account.",
    addIdentity: "Add it to my account",
    identityAdded: "The provider signs in to your account now",
    identityAddedText: "Use it the next time you sign in.",
    linkedElsewhere: "This identity signs in to another account. Remove it there first.",

    // Back from a provider
    signingIn: "Signing you in",
    signInFailed: "You are not signed in",
    providerErrors: {
        "flow-not-valid": "This sign-in is too old, or it began in another browser. Begin again.",
        "provider-answer-not-valid":
            "The provider did not confirm who you are. Begin again; if it fails again, tell your operator.",
        "provider-unavailable": "The provider does not answer. Try again later, or sign in another way.",
        unavailable: "The service is not available for a moment. Try again later.",
    } as Record<string, string | undefined>,
    exchangeErrors: {
        "account-exists":
            "There is an account with this address already. Sign in to it as before, and add the provider in your account; or use the link in the mail that we may have sent you.",
        "wrong-sign-in-code": "This sign-in is too old, or it began in another browser. Begin again.",
        "linked-elsewhere": "This identity signs in to another account. Remove it there first.",
        "provider-address-needed":
            "The provider gave no e-mail address. Create an account with your address, and add the provider there.",
        "too-many-identities": "An account can have 20 linked identities. Remove one first.",
    } as Record<string, string | undefined>,
    linked: "The provider signs in to your account now.",

    // Invitation
    invitationTitle: "You are invited",
    invitationText: "Somebody invited you to an organization.",
    invitationSignIn: "Sign in with the address that was invited, or create an account with it.",
    invitationAs: (address: string) => `You are signed in as ${address}.`,
    join: "Join",
    decline: "Decline",
    backToInvitation: "Back",
    declined: "You have declined",
    declinedText: "Nothing else happens. The organization can invite you again.",
    joined: (organization: string) => `You belong to ${organization} now.`,
    alreadyMember: "You belong to this organization already.",
    wrongAddress: (address: string) =>
        `The invitation is for another address than ${address}. Sign in with the account of the invited address.`,
    unverifiedAddress: "Confirm your address first: we have mailed you a link. Then open the invitation again.",
    otherAccount: "Use another account",
    mailAgain: "Mail me the link again",
    mailedAgain: "A new mail is on its way.",
};
