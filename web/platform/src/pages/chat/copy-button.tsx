import { Button } from "../../components/button";
import { copyText } from "../../components/copy-text";
import { general as texts } from "../../texts";

type CopyButtonProps = {
    text: string;
    /** What the button does, in full. */
    label: string;
    /** What is copied. */
    what: string;
};

export const CopyButton = ({ text, label, what }: CopyButtonProps) => (
    <Button look="quiet" size="small" icon="copy" label={label} onClick={() => void copyText(text, texts.copied(what))}>
        {texts.copy}
    </Button>
);
