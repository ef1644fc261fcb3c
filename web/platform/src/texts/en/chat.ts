import type { components } from "../../api/schema";

type Failure = components["schemas"]["MessageFailure"];

const failures: Record<Failure, string> = {
    "model-unavailable": "The language model could not be reached.",
    "model-timed-out": "The language model did not answer in time.",
    "model-rejected": "The language model did not accept the question.",
    "invalid-answer": "What the language model sent cannot be read.",
    "answer-cut": "The language model stopped in the middle of the answer.",
    "deadline-exceeded": "The answer took too long.",
};

export const chat = {
    title: "Chat",
    startTitle: "Ask your artifacts",
    startText: "The answer is written from the artifacts of this organization, and shows the passages that it uses.",
    noArtifacts: "This organization has no artifacts yet. Add some, so that answers can use them.",
    addArtifacts: "Add artifacts",

    conversations: "Conversations",
    conversation: "Conversation",
    newConversation: "New conversation",
    noConversations: "No conversations yet. Ask your first question.",
    untitled: "Untitled",
    actionsFor: (title: string) => `Actions for “${title}”`,
    back: "All conversations",

    edit: "Edit",
    editTitle: "Edit the conversation",
    titleField: "Title",
    modelField: "Model",
    modelHint: "The model of the next answers. Ask your operator which ones there are.",
    noSuchModel: "There is no such model here.",
    remove: "Delete",
    removeTitle: "Delete the conversation?",
    removeText: (title: string) => `“${title}” and its answers are deleted. This cannot be undone.`,
    removed: "Conversation deleted.",

    emptyTitle: "No questions yet",
    emptyText: "Ask below. The answer appears here while it is written.",
    earlier: "Show earlier messages",
    toEnd: "Go to the end",

    question: "Question",
    placeholder: "Ask a question",
    ask: "Ask",
    stop: "Stop",
    stopping: "Stopping …",
    useArtifacts: "Answer from artifacts",
    keys: "Enter sends. Shift + Enter starts a new line.",
    tooLong: "This question is too long. A question has at most 32,000 bytes: about 5,000 words.",

    youAsked: "You asked",
    answer: "Answer",
    searching: "Searching your artifacts",
    thinking: "Writing",
    reading: (passages: number) => (passages === 1 ? "Reading 1 passage" : `Reading ${passages} passages`),
    copyAnswer: "Copy the answer",
    askAgain: "Ask again",

    writing: "The answer is being written.",
    answered: (text: string) => `Answer: ${text}`,
    length: "The answer is cut because it is too long. Ask for the rest.",
    cancelled: "The answer was stopped.",
    interrupted: "The answer was interrupted.",
    failures,

    sources: "Sources",
    otherPassages: (count: number) => (count === 1 ? "1 more passage was read" : `${count} more passages were read`),
    noPassages: "No passage of your artifacts fits the question.",
    keywordOnly: "Passages were found by their words only, because the search by meaning is not available.",
    notSearched: "Your artifacts could not be searched, so this answer has no sources.",
    tokens: (count: string) => `${count} tokens`,
    estimated: "Estimated, because the model did not report them.",

    source: (n: number, name: string) => `Source ${n}: ${name}`,
    page: (page: number) => `page ${page}`,
    passage: "Passage",
    openArtifact: "Open in the artifact",
    artifactRemoved: "The artifact was deleted, and its text with it.",

    code: "Code",
    copyCode: "Copy the code",
    table: "Table",
    image: "Image",

    budgetUsedUp: (when: string) =>
        `The organization has used its tokens of this month, or answers in progress need those that are left. Try again ${when}.`,
    tooManyAnswers: (when: string) => `Too many answers at once. Try again ${when}.`,
    answerInProgress: "An answer of this conversation is being written already. Wait for its end, or stop it.",
    conversationTooLong: "This conversation is full. Begin a new one.",
    modelGone:
        "The model of this conversation is not available any more. Choose another one, or begin a new conversation.",
    modelUnavailable: "The language model cannot answer right now. Try again in a few seconds.",
    budgetLow: (share: string) => `${share} of this month’s tokens are used.`,
    seeUsage: "See the usage",
    askForTokens: "An owner or an administrator of the organization can see the usage.",
    inSeconds: (seconds: number) => (seconds === 1 ? "in 1 second" : `in ${seconds} seconds`),
    later: "later",
};
