const count = (value: number, one: string, many: string): string =>
    value === 1 ? `1 ${one}` : `${value.toLocaleString("en")} ${many}`;

export const search = {
    title: "Search",
    text: "Find passages in the documents of this organization.",
    query: "Search for",
    placeholder: "Words, or a question",
    submit: "Search",
    mode: "Search by",
    modes: { keyword: "Words", hybrid: "Words and meaning", semantic: "Meaning" },
    hint: "Results by words come while you type. Press Enter to search by meaning too.",
    label: "Label",
    anyLabel: "Any label",
    onlyIn: (name: string) => `Only in “${name}”`,
    thisArtifact: "this artifact",
    everywhere: "Search in all artifacts",

    start: "What are you looking for?",
    startText: "Type words, or ask a question and press Enter. These help in a search by words:",
    tips: [
        { example: '"right of use"', meaning: "these words, side by side" },
        { example: "rent or lease", meaning: "one of both words" },
        { example: "rent -car", meaning: "not with the word after the minus" },
    ],

    found: (passages: number, artifacts: number) =>
        `${count(passages, "passage", "passages")} in ${count(artifacts, "artifact", "artifacts")}`,
    results: "Results",
    more: "Show more results",
    nothing: (query: string) => `Nothing found for “${query}”`,
    nothingByWords: "No passage has all these words. A search by meaning also finds other words for the same.",
    nothingByMeaning: "Only artifacts with the status “Ready” are searched. Perhaps the right one is not here yet.",
    byMeaningToo: "Search by meaning too",
    allLabels: "Search with any label",
    showArtifacts: "Show the artifacts",

    page: (number: number) => `Page ${number.toLocaleString("en")}`,
    byBoth: "found by words and by meaning",
    byWords: "found by words",
    byMeaning: "found by meaning",
    similarity: (score: number) => `similarity ${score.toFixed(2)}`,

    degraded: "This is a search by words only.",
    degradedText:
        "The search by meaning is not available for a moment, or the tokens of this month are used up. Passages with other words for the same may be missing.",
    budgetUsedUp:
        "The tokens of this month are used up, so there is no search by meaning. A search by words needs none.",
    tooMany: (seconds: number | null) =>
        seconds === null
            ? "Too many searches within a minute. Try again a little later."
            : `Too many searches within a minute. Try again in ${seconds} seconds.`,
    notAvailable: "The search by meaning is not available for a moment. A search by words is.",
    byWordsInstead: "Search by words",
};
