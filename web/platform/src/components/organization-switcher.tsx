import { organizations } from "../api/organizations";
import { general as texts } from "../texts";
import { Icon } from "./icon";
import { Menu, MenuItem } from "./menu";

/** Shows the organization, and leads to the others. */
export const OrganizationSwitcher = ({ current }: { current: string | null }) => {
    const all = (organizations.value ?? []).filter(({ deletedAt }) => !deletedAt);
    const organization = all.find(({ id }) => id === current);
    const name = organization?.name ?? texts.chooseOrganization;
    const button = (
        <>
            {organization ? <Initial name={name} /> : <Icon name="organization" />}
            <span class="grow cut strong">{name}</span>
            <Icon name="chevron" />
        </>
    );
    return (
        <Menu label={`${name}: ${texts.switchOrganization}`} button={button} buttonClass="switcher switcher-bordered">
            {all.map((one) => (
                <MenuItem key={one.id} href={`/organizations/${one.id}/artifacts`} isCurrent={one.id === current}>
                    {one.name}
                </MenuItem>
            ))}
            {all.length > 0 && <hr />}
            <MenuItem href="/" icon="organization">
                {texts.allOrganizations}
            </MenuItem>
            <MenuItem href="/?new" icon="add">
                {texts.newOrganization}
            </MenuItem>
        </Menu>
    );
};

/** The first letter of a name. CSS shows it, so that it is no part of the text of a button. */
export const Initial = ({ name, round }: { name: string; round?: boolean }) => (
    <span class={round ? "initial initial-round" : "initial"} data-initial={[...name.trim()][0] ?? "·"} />
);
