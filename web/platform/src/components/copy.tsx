import { useState } from "preact/hooks";
import { general as texts } from "../texts";
import { Button } from "./button";
import "./copy.css";
import { copyText } from "./copy-text";

type CopyProps = {
    value: string;
    /** What is copied, such as "API key". */
    label: string;
};

/** An id, with a button that copies it. */
export const Id = ({ value, label }: CopyProps) => (
    <span class="row">
        <code>{value}</code>
        <Button
            look="quiet"
            size="small"
            icon="copy"
            label={`${texts.copy} ${label}`}
            onClick={() => void copyText(value, texts.copied(label))}
        />
    </span>
);

/** Shows a text that is copied, such as a secret that is shown once. */
export const Copy = ({ value, label }: CopyProps) => {
    const [isCopied, setCopied] = useState(false);
    const copy = async () => {
        if (!(await copyText(value, texts.copied(label)))) return;
        setCopied(true);
        setTimeout(() => setCopied(false), 2_000);
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
