import { chat as texts } from "../../texts";
import { CopyButton } from "./copy-button";

type CodeBlockProps = { text: string; language?: string | undefined };

/** Code of an answer, with a button that copies it. */
export const CodeBlock = ({ text, language }: CodeBlockProps) => (
    <figure class="markdown-code">
        <figcaption class="markdown-code-head">
            <span class="cut">{language || texts.code}</span>
            <CopyButton text={text} label={texts.copyCode} what={texts.code} />
        </figcaption>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long line is scrolled with the keyboard. */}
        <pre tabIndex={0}>
            <code>{text}</code>
        </pre>
    </figure>
);
