import { split } from "./matches";

/** A text in which the words of a query are marked. */
export const Marked = ({ text, query }: { text: string; query: string }) => (
    <>{split(text, query).map((part, at) => (part.isMatch ? <mark key={at}>{part.text}</mark> : part.text))}</>
);
