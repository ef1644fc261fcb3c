import { useEffect, useState } from "preact/hooks";
import { apiUrl } from "../../api/config";
import { publicConfig } from "../../api/public-config";
import type { components } from "../../api/schema";
import { LinkButton } from "../../components/button";
import { ownPath } from "../../navigation";
import { signIn as texts } from "../../texts";

type Provider = components["schemas"]["OfferedProvider"];
type Offered = { api: string; providers: readonly Provider[] };

/** The identity providers. They are extra: without them, the other ways still work. */
export const Providers = ({ returnTo }: { returnTo: string | undefined }) => {
    const [offered, setOffered] = useState<Offered>();
    useEffect(() => {
        Promise.all([apiUrl(), publicConfig()])
            .then(([api, { providers }]) => setOffered({ api, providers }))
            .catch(() => setOffered(undefined));
    }, []);
    const query = new URLSearchParams({ returnTo: ownPath(returnTo) });
    return (
        <>
            {offered?.providers.map(({ name, label }) => (
                <LinkButton
                    key={name}
                    href={`${offered.api}/v1/auth/oauth/${encodeURIComponent(name)}/authorize?${query}`}
                    wide
                >
                    {texts.continueWith(label)}
                </LinkButton>
            ))}
        </>
    );
};
