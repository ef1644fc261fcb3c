import { useState } from "preact/hooks";
import { general as texts } from "../texts";
import { Button } from "./button";
import "./copy.css";
import { say } from "./toast";

type CopyProps = {
    value: string;
    /** What is copied, such as "API key". */
    label: string;
};

/** Shows a text that is copied, such as a secret that is shown once. */
export const Copy = ({ value, label }: CopyProps) => {
    const [isCopied, setCopied] = useState(false);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(value);
            setCopied(true);
            setTimeout(() => setCopied(false), 2_000);
            say(texts.copied(label));
        } catch {
            say(texts.notCopied);
        }
    };
    return (
        <div class="copy">
            <code>{value}</code>
            <Button size="small" icon={isCopied ? "check" : "copy"} onClick={() => void copy()}>
                {texts.copy}
                <span class="hidden">{label}</span>
            </Button>
        </div>
    );
};
