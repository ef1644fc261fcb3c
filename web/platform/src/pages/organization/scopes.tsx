import type { Form } from "../../api/forms";
import type { components } from "../../api/schema";
import { Button } from "../../components/button";
import { access, organization as texts } from "../../texts";
import { Choices } from "./choices";

export type Scope = components["schemas"]["Scope"];

const isScope = (value: string): value is Scope => value in access.scopes;

const SCOPES = Object.keys(access.scopes).filter(isScope);

export const scopesIn = (values: readonly string[]): Scope[] => values.filter(isScope);

/** Chooses the permissions of an API key. */
export const ScopesField = ({ form, value }: { form: Form; value: readonly Scope[] }) => {
    const check = (button: HTMLElement, wants: (scope: string) => boolean) => {
        const boxes = button.closest("fieldset")?.querySelectorAll<HTMLInputElement>("input[type=checkbox]") ?? [];
        for (const box of boxes) box.checked = wants(box.value);
        boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
    };
    return (
        <Choices
            form={form}
            name="scopes"
            label={texts.scopes}
            type="checkbox"
            choices={SCOPES.map((scope) => ({
                value: scope,
                text: access.scopes[scope],
                hint: <code>{scope}</code>,
            }))}
            chosen={value}
            wide
        >
            <div class="row">
                <Button size="small" onClick={({ currentTarget }) => check(currentTarget, () => true)}>
                    {texts.allScopes}
                </Button>
                <Button size="small" onClick={({ currentTarget }) => check(currentTarget, (one) => /:read$/.test(one))}>
                    {texts.readScopes}
                </Button>
                <Button size="small" onClick={({ currentTarget }) => check(currentTarget, () => false)}>
                    {texts.noScopes}
                </Button>
            </div>
        </Choices>
    );
};

const SHOWN = 2;

/** The permissions of an API key in a table: the first ones, and how many more. */
export const ScopesShort = ({ scopes }: { scopes: readonly Scope[] }) => {
    if (scopes.length === SCOPES.length) return <>{texts.everything}</>;
    const more = scopes.length - SHOWN;
    return (
        <span class="scopes">
            {scopes.slice(0, SHOWN).map((scope) => (
                <code key={scope}>{scope}</code>
            ))}
            {more > 0 && <span class="soft small">{texts.more(more)}</span>}
        </span>
    );
};
