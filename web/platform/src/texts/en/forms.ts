export const forms = {
    optional: "optional",
    showPassword: "Show the password",
    hidePassword: "Hide the password",
    newPasswordHint: (length: number) => `At least ${length} characters. A few words are better than one.`,
    digitsError: "Enter the six digits.",
    missing: "Fill in this field.",
    checkMissing: "Tick this box to go on.",
    notAnAddress: "Enter an e-mail address such as ada@example.com.",
    notAUrl: "Enter a full address that begins with https://.",
    tooShort: (length: number) => `Use at least ${length} characters.`,
    tooLong: (length: number) => `Use at most ${length} characters.`,
    notValid: "This value is not possible here.",

    changedBefore:
        "Somebody changed this after you opened it. The page shows the change now. If you still want this, press the button again.",
    conflict: "Somebody else changed this",
    conflictText: "It was saved after you opened it. Compare both versions, and choose the one to keep.",
    mine: "Your version",
    theirs: "Saved version",
    takeTheirs: "Keep the saved version",
    saveMine: "Save your version",
    empty: "(empty)",
};
