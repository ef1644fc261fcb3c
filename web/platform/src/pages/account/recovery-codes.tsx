// Recovery codes, at the only time at which they can be seen.

import { profile } from "../../api/session";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { Copy } from "../../components/copy";
import { ask, Dialog } from "../../components/dialog";
import { download } from "../../components/download";
import { account as texts } from "../../texts";

/** Shows the codes until the person has stored them. */
export const showCodes = async (codes: readonly string[]): Promise<void> => {
    const lines = codes.join("\n");
    const save = () => {
        const head = texts.codesFileText(profile.value?.email ?? "", new Date().toISOString().slice(0, 10));
        download(texts.codesFile, `${head}\n\n${lines}\n`, "text/plain");
    };
    await ask((answer) => {
        const close = async () => {
            const isSure = await confirm({
                title: texts.closeCodesTitle,
                text: texts.closeCodesText,
                action: texts.closeCodes,
            });
            if (isSure) answer();
        };
        return (
            <Dialog title={texts.codesTitle} onClose={() => void close()}>
                <p class="soft">{texts.codesOnce}</p>
                <Copy value={lines} label={texts.recoveryCodes} />
                <div class="dialog-actions">
                    <Button icon="download" onClick={save} autoFocus>
                        {texts.downloadCodes}
                    </Button>
                    <Button look="primary" onClick={() => answer()}>
                        {texts.codesStored}
                    </Button>
                </div>
            </Dialog>
        );
    });
};
