import { Button } from "../../components/button";
import { say } from "../../components/toast";
import { general, chat as texts } from "../../texts";

type CodeBlockProps = { text: string; language?: string | undefined };

/** Code of an answer, with a button that copies it. */
export const CodeBlock = ({ text, language }: CodeBlockProps) => (
    <figure class="markdown-code">
        <figcaption class="markdown-code-head">
            <span class="cut">{language || texts.code}</span>
            <Button look="quiet" size="small" icon="copy" onClick={() => void copy(text, texts.code)}>
                {texts.copyCode}
            </Button>
        </figcaption>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long line is scrolled with the keyboard. */}
        <pre tabIndex={0}>
            <code>{text}</code>
        </pre>
    </figure>
);

/** Copies a text, and says so. */
export const copy = async (text: string, what: string): Promise<void> => {
    try {
        await navigator.clipboard.writeText(text);
        say(general.copied(what));
    } catch {
        say(general.notCopied);
    }
};
