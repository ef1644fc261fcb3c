import { useState } from "preact/hooks";
import { api, call } from "../api/client";
import type { Profile } from "../api/session";
import { general as texts } from "../texts";
import { Notice } from "./badge";
import { Button } from "./button";
import { sayFailure } from "./say-failure";
import { say } from "./toast";

/** Asks a person to confirm the address. Until then, the API refuses much. */
export const VerifyNotice = ({ user }: { user: Profile }) => {
    const [isBusy, setBusy] = useState(false);
    if (user.emailVerified) return null;
    const mail = async () => {
        setBusy(true);
        try {
            await call(api.POST("/v1/auth/request-verification"));
            say(texts.verifyMailed(user.email));
        } catch (error) {
            sayFailure(error);
        } finally {
            setBusy(false);
        }
    };
    return (
        <Notice tone="warning">
            <div class="row row-between">
                <p class="grow">{texts.verify(user.email)}</p>
                <Button size="small" busy={isBusy} onClick={() => void mail()}>
                    {texts.verifyMail}
                </Button>
            </div>
        </Notice>
    );
};
