import { Button } from "../../components/button";
import { say } from "../../components/toast";
import { general as texts } from "../../texts";

type CopyButtonProps = {
    text: string;
    /** What the button does, in full. */
    label: string;
    /** What is copied. */
    what: string;
};

export const CopyButton = ({ text, label, what }: CopyButtonProps) => {
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
            say(texts.copied(what));
        } catch {
            say(texts.notCopied);
        }
    };
    return (
        <Button look="quiet" size="small" icon="copy" label={label} onClick={() => void copy()}>
            {texts.copy}
        </Button>
    );
};
