import { useEffect, useState } from "preact/hooks";
import type { Form } from "../api/forms";
import { publicConfig } from "../api/public-config";
import { forms as texts } from "../texts";
import { PasswordField } from "./field";

/** Returns the limits of a password: the usual ones until the API has said its own. */
const usePasswordLength = (): { min: number; max: number } => {
    const [length, setLength] = useState({ min: 8, max: 256 });
    useEffect(() => {
        publicConfig()
            .then(({ limits }) => setLength({ min: limits.passwordMinLength, max: limits.passwordMaxLength }))
            // The API checks it again.
            .catch(() => undefined);
    }, []);
    return length;
};

/** The field for a new password, with the limits of the API. */
export const NewPasswordField = (props: { form: Form; name: string; label: string }) => {
    const { min, max } = usePasswordLength();
    return (
        <PasswordField
            {...props}
            hint={texts.newPasswordHint(min)}
            autoComplete="new-password"
            minLength={min}
            maxLength={max}
            required
        />
    );
};
