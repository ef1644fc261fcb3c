import type { Form } from "../api/forms";
import { usePasswordLength } from "../api/use-password-length";
import { forms as texts } from "../texts";
import { PasswordField } from "./field";

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
