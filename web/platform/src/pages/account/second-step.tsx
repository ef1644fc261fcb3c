// The authenticator app, and the recovery codes that take its place.

import { api, call } from "../../api/client";
import type { Resource } from "../../api/pages";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { focusHeading } from "../../components/focus-heading";
import { Loaded } from "../../components/loaded";
import { say } from "../../components/toast";
import { account as texts } from "../../texts";
import { confirmApp } from "./authenticator-app";
import { Action, Row, Rows, Section } from "./frame";
import { showCodes } from "./recovery-codes";

type Codes = Resource<{ left: number | null }>;

/** Fewer are a reason to make new ones. */
const FEW = 4;

export const SecondStep = ({ codes }: { codes: Codes }) => (
    <Section title={texts.secondStep} text={texts.secondStepText}>
        <Loaded resource={codes}>
            {({ left }) => (
                <Rows>
                    <App codes={codes} isOn={left !== null} />
                    {left !== null && <RecoveryCodes codes={codes} left={left} />}
                </Rows>
            )}
        </Loaded>
    </Section>
);

const App = ({ codes, isOn }: { codes: Codes; isOn: boolean }) => (
    <Row
        icon="shield"
        title={
            <>
                {texts.app}
                {isOn ? <Badge tone="success">{texts.appOn}</Badge> : <Badge>{texts.appOff}</Badge>}
            </>
        }
        text={isOn ? texts.appOnText : texts.appOffText}
    >
        {isOn ? (
            <Button size="small" look="quiet" onClick={() => void removeApp(codes)}>
                {texts.remove}
                <span class="hidden">{texts.app}</span>
            </Button>
        ) : (
            <Action run={() => addApp(codes)}>
                {texts.addApp}
                <span class="hidden">{texts.app}</span>
            </Action>
        )}
    </Row>
);

const addApp = async (codes: Codes): Promise<void> => {
    const { body } = await call(api.POST("/v1/auth/totp"));
    const made = await confirmApp(body.data);
    if (made === undefined) return;
    await showCodes(made);
    await codes.reload();
    focusHeading();
    say(texts.appAdded);
};

const removeApp = async (codes: Codes): Promise<void> => {
    const isGone = await confirm({
        title: texts.removeAppTitle,
        text: texts.removeAppText,
        action: texts.remove,
        danger: true,
        run: () => call(api.DELETE("/v1/auth/totp")),
    });
    if (!isGone) return;
    await codes.reload();
    focusHeading();
    say(texts.appRemoved);
};

const RecoveryCodes = ({ codes, left }: { codes: Codes; left: number }) => (
    <Row
        icon="key"
        title={
            <>
                {texts.recoveryCodes}
                <Badge tone={left < FEW ? "warning" : undefined}>{texts.codesLeft(left)}</Badge>
            </>
        }
        text={left < FEW ? `${texts.codesText} ${texts.fewCodes}` : texts.codesText}
    >
        <Button size="small" onClick={() => void makeCodes(codes)}>
            {texts.makeCodes}
        </Button>
    </Row>
);

const makeCodes = async (codes: Codes): Promise<void> => {
    let made: readonly string[] = [];
    const isMade = await confirm({
        title: texts.makeCodesTitle,
        text: texts.makeCodesText,
        action: texts.makeCodes,
        run: async () => {
            const { body } = await call(api.POST("/v1/auth/recovery-codes"));
            made = body.data.recoveryCodes;
        },
    });
    if (!isMade) return;
    await showCodes(made);
    await codes.reload();
};
