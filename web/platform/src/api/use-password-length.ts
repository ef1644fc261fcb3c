import { useEffect, useState } from "preact/hooks";
import { publicConfig } from "./public-config";

/** Returns the limits of a password: the usual ones until the API has said its own. */
export const usePasswordLength = (): { min: number; max: number } => {
    const [length, setLength] = useState({ min: 8, max: 256 });
    useEffect(() => {
        publicConfig()
            .then(({ limits }) => setLength({ min: limits.passwordMinLength, max: limits.passwordMaxLength }))
            // The API checks it again.
            .catch(() => undefined);
    }, []);
    return length;
};
