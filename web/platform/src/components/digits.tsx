import type { Form } from "../api/forms";
import { forms as texts } from "../texts";
import { TextField } from "./field";

type DigitsProps = { form: Form; name: string; label: string; hint?: string; autoFocus?: boolean };

/** The field for six digits of a mail or of an authenticator app. `values.digits` reads it. */
export const DigitsField = (props: DigitsProps) => (
    <TextField
        {...props}
        autoComplete="one-time-code"
        inputMode="numeric"
        pattern="\s*[0-9]{3}\s?[0-9]{3}\s*"
        patternError={texts.digitsError}
        required
        code
    />
);
