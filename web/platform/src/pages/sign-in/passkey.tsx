import { useState } from "preact/hooks";
import { PasskeyNotUsed, provePasskey, supportsPasskeys } from "../../api/passkeys";
import { Problem } from "../../api/problem";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { signIn as texts } from "../../texts";

type PasskeyProps = {
    label: string;
    /** Sends the code that proves the passkey. */
    use: (passkeyCode: string) => Promise<void>;
};

/** The button that asks for a passkey. Is not there if the browser has none. */
export const Passkey = ({ label, use }: PasskeyProps) => {
    const [isBusy, setBusy] = useState(false);
    const [failed, setFailed] = useState<Problem | null>(null);
    const [isRefused, setRefused] = useState(false);
    if (!supportsPasskeys()) return null;
    const prove = async () => {
        setBusy(true);
        setFailed(null);
        setRefused(false);
        try {
            await use(await provePasskey());
        } catch (error) {
            if (error instanceof PasskeyNotUsed) setRefused(true);
            else setFailed(explained(Problem.from(error)));
        } finally {
            setBusy(false);
        }
    };
    return (
        <>
            <Button icon="passkey" wide busy={isBusy} onClick={() => void prove()}>
                {label}
            </Button>
            {isRefused && (
                <p class="small soft" role="alert">
                    {texts.passkeyFailed}
                </p>
            )}
            {failed && <Failure problem={failed} />}
        </>
    );
};

const explained = (problem: Problem): Problem => {
    if (problem.code === "wrong-passkey") problem.explanation = texts.passkeyWrong;
    return problem;
};
