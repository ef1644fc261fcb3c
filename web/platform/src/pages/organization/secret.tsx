import { useState } from "preact/hooks";
import { apiUrl } from "../../api/config";
import { Notice } from "../../components/badge";
import { Button } from "../../components/button";
import { Copy } from "../../components/copy";
import { ask, Dialog } from "../../components/dialog";
import { organization as texts } from "../../texts";

/** Shows the secret of an API key, once. */
export const showSecret = async (organizationId: string, name: string, secret: string): Promise<void> => {
    const url = `${await apiUrl()}/v1/organizations/${organizationId}/artifacts`;
    await ask((answer) => <Secret name={name} secret={secret} url={url} close={() => answer()} />);
};

type SecretProps = { name: string; secret: string; url: string; close: () => void };

const Secret = ({ name, secret, url, close }: SecretProps) => {
    const [isWarned, setWarned] = useState(false);
    return (
        <Dialog title={texts.secretOf(name)} onClose={() => (isWarned ? close() : setWarned(true))} wide>
            <Notice tone="warning">
                <p>{texts.secretOnce}</p>
            </Notice>
            <Copy value={secret} label={texts.apiKey} />
            <div class="stack stack-s">
                <h3>{texts.tryIt}</h3>
                <Copy value={`curl -H "Authorization: Bearer ${secret}" ${url}`} label={texts.command} />
                <p class="soft small">{texts.tryItText}</p>
            </div>
            <p role="alert" class={isWarned ? "strong" : "hidden"}>
                {isWarned && texts.secretWarning}
            </p>
            <div class="dialog-actions">
                <Button look="primary" onClick={close}>
                    {texts.stored}
                </Button>
            </div>
        </Dialog>
    );
};
